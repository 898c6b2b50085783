"""The grammar of `--augment`: names with a strength each, `standard,color@0.4`."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from kft import errors

NONE = "none"
# Of these a run has one at most: `standard` flips too.
_FRAMES = ("flip", "standard")
# These make one input of two examples.
MIXES = ("mixup", "cutmix")
_GRAMMAR = "names with commas between them, each with @STRENGTH where it takes one"


@dataclasses.dataclass(frozen=True)
class Kind:
    """An augmentation that there is.

    Attributes:
        strength: what the number after @ means; None where there is none.
        default: the number, where the flag names none.
        largest: number that makes sense; the smallest ones are above 0.
    """

    strength: str | None = None
    default: float | None = None
    largest: float | None = None


# In the order in which they are applied, whatever the order in the flag.
KINDS = {
    "flip": Kind(),
    "standard": Kind(),
    "color": Kind("largest change of a factor", 0.4, 1.0),
    "randaugment": Kind("magnitude", 9.0, 10.0),
    "random_erasing": Kind("probability", 0.25, 1.0),
    "mixup": Kind("alpha of the Beta distribution", 0.2, 100.0),
    "cutmix": Kind("alpha of the Beta distribution", 1.0, 100.0),
}


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """One augmentation of the flag.

    Attributes:
        name: of the kind.
        strength: in (0, `Kind.largest`]; None where the kind takes none.
    """

    name: str
    strength: float | None = None


def parse(text: str, kinds: Mapping[str, Kind] = KINDS) -> tuple[Augmentation, ...]:
    """Return the augmentations of `--augment` in the order of `kinds`; () for none.

    Args:
        text: the value of the flag.
        kinds: what there is, by name.

    Raises:
        errors.ConfigError: naming the part that is not understood, and what is legal.
    """
    if text.strip() == NONE:
        return ()
    found: dict[str, Augmentation] = {}
    for part in text.split(","):
        one = _parse_one(part.strip(), text, kinds)
        if one.name in found:
            raise errors.ConfigError(
                f"--augment: expected each name once, received {one.name} twice in "
                f"{text!r}."
            )
        found[one.name] = one
    if all(name in found for name in _FRAMES):
        raise errors.ConfigError(
            "--augment: standard mirrors every second image already; leave flip out "
            f"of {text!r}."
        )
    return tuple(found[name] for name in kinds if name in found)


def format_augment(augmentations: Sequence[Augmentation]) -> str:
    """Return the flag that `parse` turns into these augmentations."""
    return ",".join(map(_format_one, augmentations)) or NONE


def mixes(augmentations: Sequence[Augmentation]) -> tuple[Augmentation, ...]:
    """Return those that make one input of two examples."""
    return tuple(one for one in augmentations if one.name in MIXES)


def _parse_one(part: str, text: str, kinds: Mapping[str, Kind]) -> Augmentation:
    name, has_strength, number = part.partition("@")
    if name == NONE:
        raise errors.ConfigError(
            f"--augment: none stands alone, received {text!r}. Leave it out."
        )
    if name not in kinds:
        near = errors.closest(name, kinds, most=0)
        raise errors.ConfigError(
            f"--augment: expected {_GRAMMAR}, received {part!r} in {text!r}. "
            f"{near}{near and ' '}Possible values: {', '.join((NONE, *kinds))}."
        )
    kind = kinds[name]
    if not has_strength:
        return Augmentation(name, kind.default)
    if kind.largest is None:
        raise errors.ConfigError(
            f"--augment: {name} takes no strength, received {part!r}."
        )
    return Augmentation(name, _parse_strength(number, kind, kind.largest, part))


def _parse_strength(number: str, kind: Kind, largest: float, part: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value <= largest:
        raise errors.ConfigError(
            f"--augment: expected after @ the {kind.strength}, above 0 and at most "
            f"{largest:g}, received {part!r}."
        )
    return value


def _format_one(one: Augmentation) -> str:
    if one.strength == KINDS[one.name].default:
        return one.name
    return f"{one.name}@{one.strength!r}"
