import pytest

from kft.data.text import tag_schemes
from kft.data.text.tag_schemes import Entity, TagError

BIO = "B-a I-a B-a O B-b B-c I-c O B-b".split()
IOB1 = "I-a I-a B-a O I-b I-c I-c O I-b".split()
BIOES = "B-a E-a S-a O S-b B-c E-c O S-b".split()
BILOU = "B-a L-a U-a O U-b B-c L-c O U-b".split()


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [(BIO, "bio"), (IOB1, "iob1"), (BIOES, "bioes"), (BILOU, "bioes")],
)
def test_every_scheme_is_recognised_and_read_as_bio(
    tags: list[str], scheme: tag_schemes.TagScheme
) -> None:
    assert tag_schemes.scheme_of([["O"], tags]) == scheme
    assert tag_schemes.to_bio(tags, scheme) == BIO


def test_entities_are_spans_of_words_and_can_be_written_again() -> None:
    found = tag_schemes.entities(BIO)
    assert found == [
        Entity("a", 0, 2),
        Entity("a", 2, 3),
        Entity("b", 4, 5),
        Entity("c", 5, 7),
        Entity("b", 8, 9),
    ]
    assert tag_schemes.written(found, len(BIO)) == BIO


def test_what_goes_on_with_nothing_begins_an_entity() -> None:
    tags = "I-a I-b I-b O I-b B-a I-b".split()
    assert tag_schemes.repaired(tags) == "B-a B-b I-b O B-b B-a B-b".split()


@pytest.mark.parametrize(
    ("tags", "scheme", "position", "problem"),
    [
        ("O I-a", "bio", 1, "I-a goes on with nothing after O"),
        ("B-a I-b", "bio", 1, "I-b goes on with nothing after B-a"),
        ("B-a S-a", "bio", 1, "S-a is a tag of bioes"),
        ("B-a O", "bioes", 1, "O after B-a"),
        ("O I-a E-a", "bioes", 1, "I-a after O"),
        ("B-a E-b", "bioes", 1, "E-b after B-a"),
        ("O B-a", "bioes", 1, "the end after B-a"),
    ],
)
def test_a_tag_that_cannot_be_there_is_named(
    tags: str, scheme: tag_schemes.TagScheme, position: int, problem: str
) -> None:
    with pytest.raises(TagError, match=problem) as caught:
        tag_schemes.to_bio(tags.split(), scheme)
    assert caught.value.position == position


def test_names_of_tags_begin_with_what_is_outside() -> None:
    assert tag_schemes.names(["b", "a"]) == ("O", "B-a", "I-a", "B-b", "I-b")
