"""Texts with tagged words in TensorFlow Datasets, such as conll2003."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kft import config as config_lib
from kft import errors
from kft.data import examples
from kft.data.labels import LabelMap
from kft.data.sources import name_pairs, tfds
from kft.data.text import tag_schemes, tagged_texts, words
from kft.data.text.tagged_texts import TaggedText

_WORDS, _TAGS = "words", "tags"
# What data sets call the tags of entities, which may have others beside them.
_USUAL = ("ner", "ner_tags", "tags")
# Words of a sentence in a message.
_SHOWN = 8


class _TfdsSentence(NamedTuple):
    words: Sequence[str]
    tags: Sequence[str]
    split: str


def load(rest: str, config: config_lib.TagOptions) -> examples.Splits:
    """Return the splits of a TensorFlow data set, prepared where it was not.

    Raises:
        errors.ConfigError: see `kft.data.sources.tfds.load`.
        errors.DataError: where its features are no words with tags.
    """
    return tagged_texts.assemble(_read(rest, config), config)


def load_known(
    rest: str, config: config_lib.TagOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts for a run, in the data set's own splits; raises like `load`."""
    return tagged_texts.known(_read(rest, config, needs_training=False), known)


def _read(
    rest: str, config: config_lib.TagOptions, *, needs_training: bool = True
) -> list[TaggedText]:
    builder = tfds.open_builder(rest, config)
    features = _features(builder.info, config)
    names = builder.info.features[features[_TAGS]].feature.names
    by_split = tfds.expressions(builder.info, config, needs_training=needs_training)
    sentences = [
        _TfdsSentence(
            [word.decode() for word in one[features[_WORDS]]],
            [names[number] for number in one[features[_TAGS]]],
            split,
        )
        for split, expression in by_split.items()
        for one in _records(builder, expression)
        if len(one[features[_WORDS]])
    ]
    scheme = tag_schemes.scheme_of(one.tags for one in sentences)
    return [_tagged(one, scheme, features[_TAGS]) for one in sentences]


def _records(builder: Any, expression: str) -> Iterator[Mapping[str, Any]]:
    import tensorflow_datasets

    from kft.data import dataset_options

    read = dataset_options.without_autotuning(
        builder.as_dataset(split=expression, shuffle_files=False)
    )
    records: Iterator[Mapping[str, Any]] = iter(tensorflow_datasets.as_numpy(read))
    return records


def _tagged(
    one: _TfdsSentence, scheme: tag_schemes.TagScheme, feature: str
) -> TaggedText:
    try:
        for tag in one.tags:
            tag_schemes.check(tag)
        tags = tag_schemes.to_bio(one.tags, scheme)
    except ValueError as error:
        raise errors.DataError(
            f"A sentence of {one.split}, {' '.join(one.words[:_SHOWN])!r}: expected "
            f"tags of the scheme {scheme} as {feature}: {error}."
        ) from error
    return TaggedText(words.joined(one.words), tags, one.split)


def _features(info: Any, config: config_lib.TagOptions) -> dict[str, str]:
    """Return the names of the features with words and with tags.

    Raises:
        errors.DataError: where types do not tell, and `--tfds_features` neither.
    """
    import tensorflow_datasets.public_api as public

    known = info.features
    parts = {_WORDS: _WORDS, _TAGS: _TAGS}
    flag = "tfds_features"
    given = name_pairs.parse(flag, config.tfds_features, parts, needed=())
    named = {part: name for part, name in given.items() if name in known}

    def of_kind(kind: type) -> list[str]:
        return [
            name
            for name in sorted(known)
            if isinstance(known[name], public.features.Sequence)
            and isinstance(known[name].feature, kind)
        ]

    texts = of_kind(public.features.Text)
    tags = of_kind(public.features.ClassLabel)
    usual = [name for name in _USUAL if name in tags] or tags
    found = dict(named)
    if len(texts) == 1:
        found.setdefault(_WORDS, texts[0])
    if usual and (len(tags) == 1 or usual[0] in _USUAL):
        found.setdefault(_TAGS, usual[0])
    if found.get(_WORDS) not in texts or found.get(_TAGS) not in tags:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected a sequence of texts, and one of "
            f"class labels, received the features {', '.join(sorted(known))}. "
            "--tfds_features=words=NAME,tags=NAME says which they are."
        )
    return found
