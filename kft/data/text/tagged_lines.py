"""Texts whose words have tags, a JSON object a line.

A line has entities at places in its text (`span_lines`), or words with a tag each
(`token_lines`); the first line tells.
"""

from collections.abc import Mapping, Sequence

from kft import config as config_lib
from kft import errors
from kft.data import examples
from kft.data.labels import LabelMap
from kft.data.sources import (
    filesystem,
    json_lines,
    name_pairs,
    split_files,
    split_words,
)
from kft.data.sources.json_lines import JsonLine
from kft.data.text import span_lines, tag_schemes, tagged_texts, token_lines
from kft.data.text.tagged_texts import TaggedText

_TEXT, _ENTITIES = "text", "entities"
_TOKENS, _TAGS = "tokens", "ner_tags"
_SPLIT = "split"
_KEYS = (_TEXT, _ENTITIES, _TOKENS, _TAGS, _SPLIT)


def check(path: str, config: config_lib.TagOptions) -> None:
    """Find mistakes in a file; a remote one waits for `load`.

    Raises: see `load`.
    """
    _check_names(config)
    if not filesystem.is_remote(path):
        read(path, config)


def load(path: str, config: config_lib.TagOptions) -> examples.Splits:
    """Return the splits of a file, or of a folder with a file for each split.

    Raises:
        errors.ConfigError: where there is no such file, `--jsonl_keys` or `--tag_names`
            is wrong, or options are about the other kind of lines.
        errors.DataError: for a line that cannot be, such as an entity that begins
            within a word.
    """
    return tagged_texts.assemble(read(path, config), config)


def load_known(
    path: str, config: config_lib.TagOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts for a run, of which types may be missing; raises like `load`."""
    return tagged_texts.known(read(path, config, trains=False), known)


def read(
    path: str, config: config_lib.TagOptions, *, trains: bool = True
) -> list[TaggedText]:
    """Return the texts with the tags of their words; raises like `load`.

    Args:
        path: of a file or folder.
        config: how it is read.
        trains: whether a folder has to have texts for training.
    """
    keys = name_pairs.parse(
        "jsonl_keys", config.jsonl_keys, {name: name for name in _KEYS}, needed=()
    )
    lines, splits = _lines(path, config, keys[_SPLIT], trains=trains)
    has = {part for part, key in keys.items() if key in lines[0].values}
    if _ENTITIES not in has and has & {_TOKENS, _TAGS}:
        return _of_tokens(lines, splits, keys, config)
    return _of_spans(lines, splits, keys, config)


def _lines(
    path: str, config: config_lib.TagOptions, split_key: str, *, trains: bool
) -> tuple[list[JsonLine], list[str | None]]:
    """Return the lines, and the split of each: that of its file, or as it says."""
    lines, splits = [], []
    flag = f"--dataset={config.dataset}"
    for file, split in split_files.find(
        path, config, like="train.jsonl", trains=trains
    ):
        found = json_lines.read(file, flag if file == path else file)
        json_lines.check_keys(found, config.jsonl_keys, f"--dataset={config.dataset}")
        lines += found
        if split is None:
            splits += _named_splits(found, split_key)
        else:
            splits += [split] * len(found)
    return lines, splits


def _named_splits(lines: Sequence[JsonLine], key: str) -> list[str | None]:
    """Return the splits that lines name: all of them, or none."""
    if not any(key in line.values for line in lines):
        return [None] * len(lines)
    named = [split_words.of_name(str(line.values.get(key))) for line in lines]
    for line, split in zip(lines, named, strict=True):
        if split is None:
            raise errors.DataError(
                f"{line.place}: expected the split {', '.join(examples.SPLITS)} as "
                f"{key!r}, received {line.values.get(key)!r}. Write one in every line, "
                "or in none to have the splits cut."
            )
    return named


def _of_spans(
    lines: Sequence[JsonLine],
    splits: Sequence[str | None],
    keys: Mapping[str, str],
    config: config_lib.TagOptions,
) -> list[TaggedText]:
    for name, is_given in (
        ("tag_names", bool(config.tag_names)),
        ("tag_scheme", config.tag_scheme != "auto"),
    ):
        if is_given:
            raise errors.ConfigError(
                f"--{name} is about words with a tag each ({_TOKENS}, {_TAGS}); "
                f"--dataset={config.dataset} has texts with {_ENTITIES}. Remove it."
            )
    read = [
        span_lines.read(line, text_key=keys[_TEXT], entities_key=keys[_ENTITIES])
        for line in lines
    ]
    return [
        TaggedText(text, tags, split)
        for (text, tags), split in zip(read, splits, strict=True)
    ]


def _of_tokens(
    lines: Sequence[JsonLine],
    splits: Sequence[str | None],
    keys: Mapping[str, str],
    config: config_lib.TagOptions,
) -> list[TaggedText]:
    read = [
        token_lines.read(
            line,
            tokens_key=keys[_TOKENS],
            tags_key=keys[_TAGS],
            names=config.tag_names,
        )
        for line in lines
    ]
    return tagged_texts.of_words(read, splits, scheme=config.tag_scheme)


def _check_names(config: config_lib.TagOptions) -> None:
    """Check that names of numbers are tags; raises ConfigError."""
    for name in config.tag_names:
        try:
            tag_schemes.check(name)
        except ValueError as error:
            raise errors.ConfigError(f"--tag_names: {error}.") from error
    if len(set(config.tag_names)) < len(config.tag_names):
        raise errors.ConfigError(
            "--tag_names: expected a name for each number, received one twice: "
            f"{', '.join(config.tag_names)}."
        )
