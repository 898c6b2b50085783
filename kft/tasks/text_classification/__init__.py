"""Classification of texts: a label for each, out of a fixed set.

This half of the task needs no TensorFlow; the other is in `text_classification.py`.
"""

from kft import data
from kft.backbones.text import text_backbone
from kft.config import TextClassificationConfig
from kft.config.stages import Blocks
from kft.data.text import label_lines, reviews, text_table
from kft.data.text.text_payload import TEXTS
from kft.tasks.task_kind import TaskKind
from kft.tasks.text_classification import text_checks

_OF_TEXTS = data.sources_of(TEXTS)


def _blocks(config: TextClassificationConfig) -> Blocks | None:
    return text_backbone.blocks(config.backbone)


KIND = TaskKind(
    name="text_classification",
    summary="say which of some classes a text is of",
    config_class=TextClassificationConfig,
    sources={
        "reviews": data.Source(
            "reviews", reviews.check, reviews.load, is_path=False, names_splits=False
        ),
        "csv": data.Source(
            "csv:PATH", text_table.check, text_table.load, text_table.load_known
        ),
        "jsonl": data.Source(
            "jsonl:PATH", label_lines.check, label_lines.load, label_lines.load_known
        ),
        "folder": _OF_TEXTS["folder"],
        "tfds": _OF_TEXTS["tfds"],
    },
    blocks=_blocks,
    check=text_checks.check,
    module="kft.tasks.text_classification.text_classification",
    searchable=("pooling",),
    recipe_fields=("clip_norm",),
    memory_advice=text_checks.memory_advice,
    kept_files=text_checks.kept_files,
)
