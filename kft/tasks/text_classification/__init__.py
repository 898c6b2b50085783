"""Classification of texts: a label for each, out of a fixed set.

This half of the task needs no TensorFlow; the other is in `text_classification.py`.
"""

import dataclasses
from typing import Any

from kft import data, errors
from kft.backbones.text import text_backbone
from kft.config import TextClassificationConfig
from kft.config.stages import Blocks
from kft.data.examples import Labelled, Splits
from kft.data.labels import LabelMap
from kft.data.sources import json_lines, tfds
from kft.data.text import (
    label_lines,
    reviews,
    text_pairs,
    text_payload,
    text_table,
)
from kft.data.text.text_payload import TEXTS
from kft.tasks.task_kind import TaskKind, Values
from kft.tasks.text_classification import text_checks

_OF_TEXTS = data.sources_of(TEXTS)


def _check_folder(path: str, config: TextClassificationConfig) -> None:
    if config.pairs:
        raise errors.ConfigError(
            f"--pairs=true: --dataset={config.dataset} has one text a file. Pairs come "
            "from csv:, jsonl: and tfds:."
        )
    _OF_TEXTS["folder"].check(path, config)


def _load_tfds(name: str, config: TextClassificationConfig) -> Splits:
    return tfds.load(name, config, text_payload.kind(pairs=config.pairs))


def _load_known_tfds(
    name: str, config: TextClassificationConfig, known: LabelMap
) -> Labelled:
    kind = text_payload.kind(pairs=config.pairs)
    return tfds.load_known(name, config, known, kind)


def _blocks(config: TextClassificationConfig) -> Blocks | None:
    return text_backbone.blocks(config.backbone)


def _encode(value: Any, config: TextClassificationConfig) -> bytes:
    """Return a text, or both of a pair."""
    texts = list(value) if isinstance(value, list | tuple) else [value]
    parts = text_pairs.parts(pairs=config.pairs)
    if len(texts) != len(parts) or not all(map(json_lines.is_text, texts)):
        expected = "a tuple of two texts (--pairs)" if config.pairs else "a text"
        raise errors.DataError(f"expected {expected}, received {value!r:.60}.")
    return text_pairs.join(texts).encode()


KIND = TaskKind(
    name="text_classification",
    summary="say which of some classes a text is of",
    config_class=TextClassificationConfig,
    sources={
        "reviews": data.Source(
            "reviews", reviews.check, reviews.load, is_path=False, names_splits=False
        ),
        "csv": data.Source(
            "csv:PATH",
            text_table.check,
            text_table.load,
            text_table.load_known,
            has_several_labels=True,
        ),
        "jsonl": data.Source(
            "jsonl:PATH",
            label_lines.check,
            label_lines.load,
            label_lines.load_known,
            has_several_labels=True,
        ),
        "folder": dataclasses.replace(_OF_TEXTS["folder"], check=_check_folder),
        "tfds": dataclasses.replace(
            _OF_TEXTS["tfds"], load=_load_tfds, load_known=_load_known_tfds
        ),
        "hf": data.of_hub(lambda config: text_payload.kind(pairs=config.pairs)),
    },
    blocks=_blocks,
    check=text_checks.check,
    module="kft.tasks.text_classification.text_classification",
    searchable=("pooling",),
    recipe_fields=("clip_norm",),
    memory_advice=text_checks.memory_advice,
    kept_files=text_checks.kept_files,
    audit_checks=text_checks.audit_checks,
    values=Values(_encode, are_texts=True),
    scores_classes=True,
)
