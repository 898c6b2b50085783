"""What tasks of texts check before TensorFlow starts."""

from typing import TYPE_CHECKING, Any

from kft import errors
from kft.auditing.checks import Checks
from kft.backbones.text import text_backbone, transformer_config
from kft.config import TextClassificationConfig, TokenClassificationConfig
from kft.data.examples import Splits
from kft.data.text import byte_bpe, text_tokenizer, wordpiece
from kft.data.text.hub_tokenizer import HubTokenizer
from kft.data.text.text_extra import TEXT
from kft.data.text.wordpiece import WordPiece
from kft.tasks import task_kind
from kft.tasks.task_kind import MemoryAdvice

if TYPE_CHECKING:
    from kft.run_folder.run_dir import RunDir

_SAVED_MODEL = "saved_model"
TextConfig = TextClassificationConfig | TokenClassificationConfig


def check(config: TextConfig) -> None:
    """Check the packages that texts need, and the network; fetches its files.

    Raises:
        errors.ConfigError: naming what is wrong.
    """
    missing = TEXT.problem(config.task)
    if missing is not None:
        raise errors.ConfigError(missing)
    _check_export(config)
    _check_length(config)
    positions = transformer_config.read(config.backbone).max_position_embeddings
    if config.max_length > positions:
        raise errors.ConfigError(
            f"--max_length: --backbone={config.backbone} reads at most {positions} "
            f"tokens, received {config.max_length}."
        )


def _check_export(config: TextConfig) -> None:
    """Check that the tokenizer can be within a SavedModel, where one is exported."""
    flag = f"--backbone={config.backbone}"
    tokenizer = text_tokenizer.read(text_backbone.files(config.backbone), flag)
    is_bpe = isinstance(tokenizer, HubTokenizer) and byte_bpe.of(tokenizer) is not None
    if _SAVED_MODEL in config.export and not (
        is_bpe or isinstance(tokenizer, WordPiece)
    ):
        raise errors.ConfigError(
            f"--export={','.join(config.export)}: the tokenizer of {flag} is neither "
            "WordPiece nor byte-level BPE, so no SavedModel can have it inside. Give "
            "--export=onnx or litert, which take token ids, or leave it empty."
        )


def _check_length(config: TextConfig) -> None:
    """Check that at least a token of each text fits in."""
    pairs = isinstance(config, TextClassificationConfig) and config.pairs
    flag = f"--backbone={config.backbone}"
    tokenizer = text_tokenizer.read(text_backbone.files(config.backbone), flag)
    frame = text_tokenizer.frame_length(tokenizer, pairs=pairs)
    least = frame + (2 if pairs else 1)
    if config.max_length < least:
        what = "a pair" if pairs else "a text"
        raise errors.ConfigError(
            f"--max_length: expected at least {least} for {what} with {frame} tokens "
            f"around it, received {config.max_length}."
        )


def audit_checks(config: Any) -> Checks:
    """Return what kft.audit asks of texts; fetches the tokenizer of the backbone.

    Args:
        config: of a task of texts, with `AuditOptions`.
    """
    # For most commands it is not worth its time.
    from kft.tasks.text_classification.text_audit import TextChecks

    flag = f"--backbone={config.backbone}"
    for package in ("tokenizers", "datasketch"):
        TEXT.require(package)
    return TextChecks(
        tokenizer=text_tokenizer.read(text_backbone.files(config.backbone), flag),
        max_length=config.max_length,
        pairs=config.task == "text_classification" and config.pairs,
        near_share=config.near_share,
    )


def kept_files(config: TextConfig, splits: Splits) -> dict[str, bytes]:
    """Return the sizes and the tokenizer of the backbone, whatever the data."""
    del splits
    folder = text_backbone.files(config.backbone)
    names = (text_backbone.CONFIG, *wordpiece.FILES)
    paths = {name: folder.joinpath(name) for name in names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def built_from(config: TextConfig, run: "RunDir | None") -> str:
    """Return what has `kept_files`: the folder that a run kept, else the backbone."""
    return str(task_kind.kept_folder(run) or config.backbone)


def memory_advice(config: TextConfig) -> MemoryAdvice:
    """Return that the longest texts are what costs memory."""
    return MemoryAdvice(
        f"--max_length={config.max_length}",
        ("a smaller --max_length: the longest texts are what costs",),
    )
