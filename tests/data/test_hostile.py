"""A folder of everything that users have: what is readable is read, the rest named."""

import contextlib
import ctypes
import functools
import itertools
import os
import sys

import numpy as np
import pytest

from kft import config, errors, tasks
from kft.auditing import scan_dataset
from kft.data import bad_examples
from kft.data.image import augment
from kft.tasks.image_classification import image_audit
from tests.data import hostile, image_files

_LIMIT = 10_000_000
_ENDINGS = (".jpg", ".PNG", ".Jpeg", ".gif", ".bmp", ".webp", ".JFIF")
_READ_ANYTHING = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (capabilities(7))


@contextlib.contextmanager
def _permissions_count():
    """Make permissions count in this thread, and those that it starts, for root too."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may read everything, and only Linux can take that from it")
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    kept, fewer = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    for state in (kept, fewer):
        if libc.capget(head, state):
            pytest.skip("the capabilities of this process cannot be read")
    fewer[0] &= ~_READ_ANYTHING
    if libc.capset(head, fewer):
        pytest.skip("the capabilities of this process cannot be lowered")
    try:
        yield
    finally:
        libc.capset(head, kept)


def _write(folder, contents):
    """Write the contents in files whose endings have nothing to do with them."""
    folder.mkdir(parents=True)
    endings = itertools.cycle(_ENDINGS)
    for name, content in contents.items():
        name = name.replace("/", " of ").replace("<", "le").replace(">", "be")
        (folder / f"{name}{next(endings)}").write_bytes(content)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Return the splits of a folder with a class of good files, and one of bad ones."""
    root = tmp_path_factory.mktemp("hostile")
    good = image_files.of_every_kind() | image_files.turned() | hostile.odd()
    _write(root / "good", good)
    huge = {f"huge {name}": content for name, content in hostile.huge().items()}
    _write(root / "bad", hostile.broken() | huge)
    (root / "good" / "folder.jpg").mkdir()
    (root / "good" / "folder.jpg" / "ünï cödé 花.jpg").write_bytes(good["png"])
    (root / "good" / "link.png").symlink_to(root / "good" / "folder.jpg" / "link.jpg")
    (root / "good" / "folder.jpg" / "link.jpg").write_bytes(good["gif"])
    (root / "bad" / "dangling.jpg").symlink_to(root / "nowhere.jpg")
    (root / "bad" / "circle.jpg").symlink_to(root / "bad" / "circle.jpg")
    (root / "bad" / "locked.jpg").write_bytes(good["jpeg"])
    (root / "bad" / "locked.jpg").chmod(0)
    settings = config.ImageOptions(dataset=f"folder:{root}", validation_fraction=0.0)
    return tasks.load_splits(settings)


def test_training_reads_the_good_files_and_names_the_bad_ones(splits):
    options = config.ImageOptions(resize="squash", max_pixels=_LIMIT)
    read = functools.partial(augment.eval_image, config=options, size=16)

    def preprocess(payload, key):
        return read(payload)

    with _permissions_count():
        found = list(bad_examples.bad_examples(splits.train, preprocess))
    bad = [name for name in splits.train.ids if name.startswith("bad/")]
    assert [example.id for example in found] == bad
    assert len(bad) >= 95
    assert len(splits.train) - len(bad) >= 95
    for example in found:
        assert example.reason
        assert "\n" not in example.reason
        assert "node" not in example.reason, example
        assert "Op:" not in example.reason, example
    reasons = {example.id: example.reason for example in found}
    assert reasons["bad/locked.jpg"].endswith("Permission denied")
    assert reasons["bad/dangling.jpg"].endswith("No such file or directory")


def test_an_audit_agrees(splits):
    ids = splits.train.ids.tolist()
    with _permissions_count():
        every = scan_dataset.inspect(
            scan_dataset.payloads(splits.train, np.arange(len(ids))),
            image_audit.ImageChecks(max_pixels=_LIMIT, near_bits=None),
        )
    bad = [name for name, one in zip(ids, every, strict=True) if one.reason is not None]
    assert bad == [name for name in ids if name.startswith("bad/")]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_an_error_that_shows_it(tmp_path):
    for name in (b"a", b"b"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
        with open(os.fsencode(tmp_path) + b"/" + name + b"/1.jpg", "wb") as file:
            file.write(b"x")
    with open(os.fsencode(tmp_path) + b"/a/caf\xe9.jpg", "wb") as file:
        file.write(b"x")
    with pytest.raises(errors.DataError, match=r"UTF-8.*caf\\xe9\.jpg.*Rename"):
        tasks.load_splits(config.ImageOptions(dataset=f"folder:{tmp_path}"))
