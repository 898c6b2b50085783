"""What is said before training of labels that may not be what they are taken for."""

from collections.abc import Sequence

from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, label_arrays, labels

# From so many classes on, one or two examples of each are likely to be a mistake.
_MANY_CLASSES = 10


def check(
    label_map: labels.LabelMap, table: examples.Table, config: config_lib.DataConfig
) -> None:
    """Name the classes that a person would take for something else than they are.

    Raises:
        errors.DataError: where only white space at their ends tells them apart.
    """
    _check_alike(label_map, table, config)
    lacking = [name for name in label_map.names if labels.looks_missing(name)]
    if lacking:
        logging.warning(
            "--dataset=%s: a class is called %s, which often stands for a label that "
            "is missing. If so, remove these examples.",
            config.dataset,
            ", ".join(map(repr, lacking)),
        )
    strange = labels.first_unlike_its_number(label_map.names)
    if strange is not None:
        logging.warning(
            "--dataset=%s: classes are in the order of their names as text, so class "
            "number %d is the one called %r. Go by the names in answers, or write "
            "them with as many digits each.",
            config.dataset,
            strange,
            label_map.names[strange],
        )
    about = on_many_classes(label_map, table)
    if about:
        logging.warning("--dataset=%s: %s", config.dataset, about)


def _check_alike(
    label_map: labels.LabelMap, table: examples.Table, config: config_lib.DataConfig
) -> None:
    """Name the classes that look like one; raises like `check`."""
    counts = label_arrays.count(table.labels, len(label_map))
    for group in labels.written_alike(label_map.names):
        said = [f"{name!r} ({counts[label_map.index(name)]})" for name in group]
        if len({name.strip() for name in group}) < len(group):
            raise errors.DataError(
                f"--dataset={config.dataset}: expected classes that differ in more "
                f"than blanks at their ends, received {', '.join(said)}. Give them "
                "one name."
            )
        logging.warning(
            "--dataset=%s: %d classes look like one, with their numbers of examples: "
            "%s. If they are, give them one name.%s",
            config.dataset,
            len(group),
            ", ".join(said),
            _in_codes(group),
        )


def _in_codes(group: Sequence[str]) -> str:
    """Return names by the codes of their letters, where these look the same."""
    if all(name.isascii() for name in group):
        return ""
    return f" In codes: {', '.join(map(ascii, group))}."


def on_many_classes(label_map: labels.LabelMap, table: examples.Table) -> str:
    """Return what is strange about classes of one example or two; empty if nothing."""
    classes, count = len(label_map), len(table.ids)
    if not label_arrays.is_one_class_each(table.labels):
        return ""
    if classes < _MANY_CLASSES or 2 * classes <= count:
        return ""
    if labels.are_measured(label_map.names):
        advice = (
            "These are numbers, which cannot be predicted as such: make classes of "
            "them, such as low and high"
        )
    else:
        advice = "Check that labels are names of classes, and that no other column is"
    shown = errors.listed(map(errors.excerpt, label_map.names), most=3)
    return f"{count} examples have {classes} different labels: {shown}. {advice}."
