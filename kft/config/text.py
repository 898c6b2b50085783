"""Options about texts."""

import dataclasses
from typing import Literal

from kft.config.data import DataConfig
from kft.config.fields import option
from kft.config.run import RunConfig
from kft.config.training import ModelConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextOptions(DataConfig):
    """Which texts, and how much of one the network reads."""

    dataset: str = option(
        "csv:texts.csv",
        "Where the examples are: csv:PATH (a table with commas or tabs: text, label, "
        "and where wanted split and group, whose texts stay in one split).",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than text, label, split and "
        "group, such as text=review,label=stars.",
    )
    max_length: int = option(
        128,
        "Most tokens that the network reads of a text, with the two that mark its "
        "begin and end; the rest is cut off.",
        minimum=3,
        maximum=8192,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModelConfig(ModelConfig):
    """The network of texts."""

    backbone: str = option(
        "MiniLM-L6",
        "Pretrained network: a name, or the path of a folder as Hugging Face lays it "
        "out (config.json, model.safetensors, and tokenizer.json or vocab.txt). "
        "`python -m kft.backbones --task=text_classification` lists the names.",
    )
    weights: Literal["pretrained", "none"] = option(
        "pretrained",
        "Weights that the backbone starts from: pretrained, or none (random).",
    )
    pooling: Literal["mean", "first", "max"] = option(
        "mean",
        "How the states of the tokens become one vector: their mean, the first of them "
        "alone, or the largest of each feature.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextClassificationConfig(TextOptions, TextModelConfig, RunConfig):
    """A run that learns classes of texts."""

    task: Literal["text_classification"] = option(
        "text_classification", "What the network learns to do."
    )
