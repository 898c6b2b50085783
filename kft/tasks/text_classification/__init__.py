"""Classification of texts: a label for each, out of a fixed set.

This half of the task needs no TensorFlow; the other is in `text_classification.py`.
"""

import importlib.util

from kft import data, errors
from kft.backbones.text import bert_config, text_backbone
from kft.config import TextClassificationConfig
from kft.config.stages import Blocks
from kft.data.text import text_table, wordpiece
from kft.tasks.task_kind import MemoryAdvice, TaskKind

_PACKAGES = ("tokenizers", "safetensors")


def _blocks(config: TextClassificationConfig) -> Blocks | None:
    return text_backbone.blocks(config.backbone)


def _check(config: TextClassificationConfig) -> None:
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


def _kept_files(config: TextClassificationConfig) -> dict[str, bytes]:
    """Return the sizes and the tokenizer of the backbone."""
    folder = text_backbone.files(config.backbone)
    names = (text_backbone.CONFIG, *wordpiece.FILES)
    paths = {name: folder.joinpath(name) for name in names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _memory_advice(config: TextClassificationConfig) -> MemoryAdvice:
    return MemoryAdvice(
        f"--max_length={config.max_length}",
        ("a smaller --max_length: the longest texts are what costs",),
    )


KIND = TaskKind(
    name="text_classification",
    summary="say which of some classes a text is of",
    config_class=TextClassificationConfig,
    sources={
        "csv": data.Source(
            "csv:PATH", text_table.check, text_table.load, text_table.load_known
        )
    },
    blocks=_blocks,
    check=_check,
    module="kft.tasks.text_classification.text_classification",
    searchable=("pooling",),
    memory_advice=_memory_advice,
    kept_files=_kept_files,
)
