"""Names of examples by their contents."""

from kft.data import content_ids


def test_equal_examples_have_numbers_and_one_digest() -> None:
    one, other = (content_ids.digest(payload) for payload in (b"a", b"b"))
    assert one != other
    ids = content_ids.numbered([one, other, one, one])
    assert ids == [one, other, f"{one}-2", f"{one}-3"]
    assert [content_ids.digest_of(name) for name in ids] == [one, other, one, one]
