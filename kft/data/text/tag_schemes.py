"""Tags of words that mark entities, in the schemes that files have them in.

kft has BIO alone (also IOB2): B-TYPE begins an entity, I-TYPE goes on with it, O is
outside. IOB1 has B- only between two entities of one type that touch. BIOES (also
BILOU, with L and U) has an end and a sign for entities of one word.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

OUTSIDE = "O"
_BEGIN, _INSIDE = "B-", "I-"
_END, _SINGLE = ("E", "L"), ("S", "U")
TagScheme = Literal["bio", "iob1", "bioes"]


class Entity(NamedTuple):
    """Words [begin, end) of a text, and what they are."""

    type: str
    begin: int
    end: int


class TagError(ValueError):
    """A tag that cannot be where it is.

    Attributes:
        position: of its word.
    """

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(problem)
        self.position = position


def entities(tags: Iterable[str]) -> list[Entity]:
    """Return the entities that BIO tags mark.

    As conlleval and seqeval count them: an I- that goes on with nothing of its type
    begins an entity.
    """
    found: list[Entity] = []
    begin, kind = 0, ""
    position = -1
    for position, tag in enumerate(tags):
        goes_on = tag.startswith(_INSIDE) and tag[2:] == kind
        if goes_on:
            continue
        if kind:
            found.append(Entity(kind, begin, position))
        begin, kind = position, "" if tag == OUTSIDE else tag[2:]
    if kind:
        found.append(Entity(kind, begin, position + 1))
    return found


def written(found: Iterable[Entity], length: int) -> list[str]:
    """Return the BIO tags of that many words; entities must not overlap."""
    tags = [OUTSIDE] * length
    for entity in found:
        tags[entity.begin : entity.end] = [_INSIDE + entity.type] * (
            entity.end - entity.begin
        )
        tags[entity.begin] = _BEGIN + entity.type
    return tags


def repaired(tags: Sequence[str]) -> list[str]:
    """Return tags in which every entity begins with B-; see `entities`."""
    return written(entities(tags), len(tags))


def names(types: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of types, O first."""
    pairs = ((_BEGIN + one, _INSIDE + one) for one in sorted(types))
    return (OUTSIDE, *(tag for pair in pairs for tag in pair))


def check(tag: str) -> None:
    """Check that a tag is one of any scheme.

    Raises:
        ValueError: where it is not.
    """
    known = ("B", "I", *_END, *_SINGLE)
    if tag != OUTSIDE and (tag[1:2] != "-" or tag[0] not in known or not tag[2:]):
        raise ValueError(f"expected {OUTSIDE}, B-TYPE or I-TYPE as tag, got {tag!r}")


def scheme_of(sentences: Iterable[Sequence[str]]) -> TagScheme:
    """Return the scheme that tags are written in, as the tags themselves say.

    BIOES where there is an S-, E-, U- or L-. IOB1 where entities begin with I-, and B-
    stands only where one of the same type ends. Else BIO.
    """
    begins_inside = begins_otherwise = False
    for tags in sentences:
        for before, tag in _pairs(tags):
            if tag[0] in (*_END, *_SINGLE):
                return "bioes"
            touches = before != OUTSIDE and before[2:] == tag[2:]
            begins_inside |= tag.startswith(_INSIDE) and not touches
            begins_otherwise |= tag.startswith(_BEGIN) and not touches
    return "iob1" if begins_inside and not begins_otherwise else "bio"


def to_bio(tags: Sequence[str], scheme: TagScheme) -> list[str]:
    """Return the same entities in BIO.

    Raises:
        TagError: for a tag that the scheme does not have where it is.
    """
    if scheme == "bioes":
        return _of_bioes(tags)
    for position, (before, tag) in enumerate(_pairs(tags)):
        if tag[0] in (*_END, *_SINGLE):
            raise TagError(position, f"{tag} is a tag of bioes, not of {scheme}")
        touches = before != OUTSIDE and before[2:] == tag[2:]
        if scheme == "bio" and tag.startswith(_INSIDE) and not touches:
            raise TagError(position, f"{tag} goes on with nothing after {before}")
    return repaired(tags)


def _of_bioes(tags: Sequence[str]) -> list[str]:
    found = []
    for position, (before, tag) in enumerate(_pairs([*tags, OUTSIDE])):
        is_open = before[0] in ("B", "I")
        goes_on = tag[0] in ("I", *_END)
        if is_open != goes_on or (goes_on and tag[2:] != before[2:]):
            said = "the end" if position == len(tags) else tag
            raise TagError(min(position, len(tags) - 1), f"{said} after {before}")
        if tag == OUTSIDE:
            found.append(tag)
        else:
            found.append((_INSIDE if goes_on else _BEGIN) + tag[2:])
    return found[:-1]


def _pairs(tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each tag with the one before it."""
    return zip([OUTSIDE, *tags], tags, strict=False)
