"""Members of tar archives: where they lie, and archives that cannot be used."""

import io
import random
import tarfile

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.data.sources import tar_members


def _archive(members, *, format=tarfile.PAX_FORMAT):
    """Return an archive of pairs of name and content, or of names with a change."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=format) as archive:
        for name, value in members:
            info = tarfile.TarInfo(name)
            if isinstance(value, bytes):
                info.size = len(value)
                archive.addfile(info, io.BytesIO(value))
            else:
                for attribute, one in value.items():
                    setattr(info, attribute, one)
                archive.addfile(info)
    return content.getvalue()


def _index(content):
    return tar_members.index(io.BytesIO(content), "x.tar")


def _contents(content):
    """Return the content of each member by key and ending."""
    return {
        (key, ending): tar_members.read(io.BytesIO(content), member)
        for key, endings in _index(content).items()
        for ending, member in endings.items()
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0001.jpg", ("0001", "jpg")),
        ("a/b.c/0001.Seg.PNG", ("a/b.c/0001", "seg.png")),
        ("./0001.jpg", ("./0001", "jpg")),
        ("no_ending", ("", "")),
        ("ends.", ("", "")),
        (".hidden.jpg", ("", "")),
        ("a/._0001.jpg", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_name_is_key_and_ending(name, expected):
    assert tar_members.split_name(name) == expected


@hypothesis.given(st.text(st.sampled_from("aB./é"), max_size=12))
def test_key_and_ending_make_the_name_again(name):
    key, ending = tar_members.split_name(name)
    if key:
        assert f"{key}.{ending}".lower() == name.lower()
        assert "." not in key.rpartition("/")[2]
        assert "/" not in ending


@pytest.mark.parametrize(
    "format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]
)
def test_members_are_where_the_index_says(format):
    long = "folder/" * 20 + "é" * 20
    members = {"a.jpg": b"1" * 512, "a.cls": b"", f"{long}.jpg": b"2" * 700}
    folder = ("folder", {"type": tarfile.DIRTYPE})
    content = _archive([folder, *members.items(), folder], format=format)
    assert _contents(content) == {
        ("a", "jpg"): b"1" * 512,
        ("a", "cls"): b"",
        (long, "jpg"): b"2" * 700,
    }


def test_members_of_one_name_need_not_be_neighbours():
    content = _archive([("a.jpg", b"1"), ("b.jpg", b"2"), ("a.cls", b"3")])
    assert {key: list(found) for key, found in _index(content).items()} == {
        "a": ["jpg", "cls"],
        "b": ["jpg"],
    }


def test_names_without_an_ending_or_with_a_dot_in_front_are_left_out():
    names = ("README", "LICENSE", ".a.jpg", "._a.jpg", "a.jpg")
    assert list(_index(_archive([(name, b"1") for name in names]))) == ["a"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a link, 'x.jpg'"),
        ({"type": tarfile.LNKTYPE, "linkname": "a.jpg"}, "a link, 'x.jpg'"),
        ({"type": tarfile.CHRTYPE}, "a device or pipe, 'x.jpg'"),
        ({"type": tarfile.FIFOTYPE}, "a device or pipe, 'x.jpg'"),
    ],
)
def test_links_and_devices_are_refused(kind, said):
    with pytest.raises(errors.DataError, match="x.tar: expected files") as caught:
        _index(_archive([("a.jpg", b"1"), ("x.jpg", kind)]))
    assert said in str(caught.value)


def test_a_name_twice_is_refused():
    with pytest.raises(errors.DataError, match=r"received 'a\.JPG' again"):
        _index(_archive([("a.jpg", b"1"), ("a.JPG", b"2")]))


def test_a_name_that_is_not_in_utf8_is_refused():
    content = _archive([("a\udcff.jpg", b"1")], format=tarfile.USTAR_FORMAT)
    with pytest.raises(errors.DataError, match=r"names in UTF-8.*a\\xff\.jpg"):
        _index(content)


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz"])
def test_a_compressed_archive_is_refused(mode):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=f"w:{mode}"):
        pass
    with pytest.raises(errors.DataError, match=r"not compressed.*Unpack it to tar"):
        _index(content.getvalue())


_WHOLE = _archive([("a.jpg", b"1" * 600), ("b.jpg", b"2" * 600)])


@pytest.mark.parametrize("size", [0, 1, 100, 512, 700, 1536, 1600, 2048, 3000, 3072])
def test_an_archive_that_was_cut_is_refused(size):
    with pytest.raises(errors.DataError, match=r"x\.tar: expected"):
        _index(_WHOLE[:size])


def test_a_damaged_header_is_not_taken_for_the_end():
    second = _WHOLE.index(b"b.jpg")
    broken = _WHOLE[:second] + b"c" + _WHOLE[second + 1 :]
    with pytest.raises(errors.DataError, match=rf"at byte {second}, .*damaged"):
        _index(broken)


def test_archives_one_behind_the_other_are_refused():
    end = _WHOLE.rindex(b"2") // 512 * 512 + 512
    with pytest.raises(errors.DataError, match=rf"at byte {end}, .*several archives"):
        _index(_WHOLE + _WHOLE)


def test_any_number_of_zeros_ends_an_archive():
    end = _WHOLE.rindex(b"2") // 512 * 512 + 512
    for zeros in (512, 1024, 3 << 20):
        assert len(_index(_WHOLE[:end] + bytes(zeros))) == 2


def test_random_damage_is_an_error_or_leaves_the_names():
    chance = random.Random(0)
    for _ in range(300):
        content = bytearray(_WHOLE)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            found = _index(bytes(content))
        except errors.DataError:
            continue
        sizes = [one.size for endings in found.values() for one in endings.values()]
        assert sizes == [600, 600]


def test_an_archive_that_cannot_be_opened_is_named(tmp_path):
    with (
        pytest.raises(errors.DataError, match=r"gone\.tar cannot be read"),
        tar_members.open_shard(str(tmp_path / "gone.tar")),
    ):
        pass
