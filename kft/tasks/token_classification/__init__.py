"""Classification of words, such as named entities: a tag for each word of a text.

This half of the task needs no TensorFlow; the other is in `token_classification.py`.
"""

from kft import data
from kft.backbones.text import text_backbone
from kft.config import TokenClassificationConfig
from kft.config.stages import Blocks
from kft.data.sources import tfds
from kft.data.text import conll_file, tagged_lines, tagged_tfds
from kft.tasks.task_kind import TaskKind
from kft.tasks.text_classification import text_checks


def _blocks(config: TokenClassificationConfig) -> Blocks | None:
    return text_backbone.blocks(config.backbone)


KIND = TaskKind(
    name="token_classification",
    summary="find entities in texts: a tag for each word",
    config_class=TokenClassificationConfig,
    sources={
        "conll": data.Source(
            "conll:PATH", conll_file.check, conll_file.load, conll_file.load_known
        ),
        "jsonl": data.Source(
            "jsonl:PATH", tagged_lines.check, tagged_lines.load, tagged_lines.load_known
        ),
        "tfds": data.Source(
            "tfds:NAME",
            tfds.check,
            tagged_tfds.load,
            tagged_tfds.load_known,
            is_path=False,
        ),
    },
    blocks=_blocks,
    check=text_checks.check,
    module="kft.tasks.token_classification.token_classification",
    recipe_fields=("clip_norm",),
    memory_advice=text_checks.memory_advice,
    kept_files=text_checks.kept_files,
    audit_checks=text_checks.audit_checks,
)
