"""What tasks of texts check before TensorFlow starts."""

import importlib.util

from kft import errors
from kft.backbones.text import bert_config, text_backbone
from kft.config import TextClassificationConfig, TokenClassificationConfig
from kft.data.text import wordpiece
from kft.tasks.task_kind import MemoryAdvice

_PACKAGES = ("tokenizers", "safetensors")
TextConfig = TextClassificationConfig | TokenClassificationConfig


def check(config: TextConfig) -> None:
    """Check the packages that texts need, and the network; fetches its files.

    Raises:
        errors.ConfigError: naming what is wrong.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.ConfigError(
            f"--task={config.task} needs {' and '.join(missing)}: pip install "
            "'kft[text]'."
        )
    positions = bert_config.read(config.backbone).max_position_embeddings
    if config.max_length > positions:
        raise errors.ConfigError(
            f"--max_length: --backbone={config.backbone} reads at most {positions} "
            f"tokens, received {config.max_length}."
        )


def kept_files(config: TextConfig) -> dict[str, bytes]:
    """Return the sizes and the tokenizer of the backbone."""
    folder = text_backbone.files(config.backbone)
    names = (text_backbone.CONFIG, *wordpiece.FILES)
    paths = {name: folder.joinpath(name) for name in names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def memory_advice(config: TextConfig) -> MemoryAdvice:
    """Return that the longest texts are what costs memory."""
    return MemoryAdvice(
        f"--max_length={config.max_length}",
        ("a smaller --max_length: the longest texts are what costs",),
    )
