"""The value of `--word_list`. No TensorFlow here."""

from kft import errors
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.sources import text_file

# In place of a path: the words of the training texts.
TRAINING = "training"
# The file of `TaskKind.kept_files` with the words that a run decodes by.
KEPT = "word_list.txt"


def check(config: SpeechRecognitionConfig) -> None:
    """Check that the list is there.

    Raises:
        errors.ConfigError: where it is not, or has no words.
    """
    if config.word_list != TRAINING:
        read(config)


def read(config: SpeechRecognitionConfig) -> list[str]:
    """Return the words of the file, normalized as texts are.

    Raises:
        errors.ConfigError: where it is not there, or has no words.
    """
    flag, path = f"--word_list={config.word_list}", str(config.word_list)
    text_file.check_exists(path, flag=flag)
    normal = alphabet.normalized(text_file.read(path, flag), config.normalize)
    if not normal:
        raise errors.ConfigError(f"{flag}: expected a word a line; there is none.")
    return normal.split()
