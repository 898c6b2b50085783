"""A JPEG of more scans than an encoder writes is refused, wherever it is read."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kft import config as config_lib
from kft.data.image import (
    augment,
    decode,
    decode_graph,
    image_stats,
    jpeg_scans,
    jpeg_scans_graph,
)
from tests.data import image_files

_PROGRESSIVE = image_files.of_every_kind()["jpeg-progressive"]
_FEW = 10
_MANY = image_files.with_scans(_PROGRESSIVE, jpeg_scans.MOST)
# A comment with what ends an image.
_COMMENT = b"\xff\xfe\0\6\xff\xd9\xff\xd9"


@pytest.fixture(scope="module")
def in_graph():
    return tf.function(
        jpeg_scans_graph.check, input_signature=[tf.TensorSpec([], tf.string)]
    )


def _is_fine(payload):
    try:
        jpeg_scans.check(payload)
    except ValueError as error:
        assert "more than 50 scans" in str(error)
        return False
    return True


def _is_fine_in_graph(payload, in_graph):
    try:
        in_graph(payload)
    except tf.errors.InvalidArgumentError as error:
        assert "more than 50 scans" in error.message
        return False
    return True


@pytest.mark.parametrize(
    ("payload", "is_fine"),
    {
        "as libjpeg writes it": (_PROGRESSIVE, True),
        "50": (image_files.with_scans(_PROGRESSIVE, 50 - _FEW), True),
        "51": (image_files.with_scans(_PROGRESSIVE, 51 - _FEW), False),
        "behind what ends an image": (
            _PROGRESSIVE[:-2] + (_COMMENT + _MANY[len(_PROGRESSIVE) - 40 :]) * 60,
            False,
        ),
        "a film behind the image": (_PROGRESSIVE + b"\xff\xda\0\2x" * 99, True),
        "another image behind": (_PROGRESSIVE + _MANY, True),
        "very many segments": (
            _PROGRESSIVE[:2] + b"\xff\xfe\0\4\xff\xda" * 2_500 + _PROGRESSIVE[2:],
            None,
        ),
        "cut": (_MANY[:-40], False),
        "nothing": (b"", True),
        "marks alone": (b"\xff\xda" * 40, True),
    }.values(),
)
def test_scans_are_counted_alike(payload, is_fine, in_graph):
    # The graph looks at so many segments only.
    assert _is_fine(payload) == (is_fine is not False)
    assert _is_fine_in_graph(payload, in_graph) == bool(is_fine)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_scans_are_counted_alike(seed, in_graph):
    rng = np.random.default_rng(seed)
    content = np.frombuffer(_MANY, np.uint8).copy()
    places = rng.integers(0, len(content), rng.integers(1, 8))
    content[places] ^= 1 << rng.integers(0, 8, len(places), dtype=np.uint8)
    payload = content.tobytes()
    assert _is_fine(payload) == _is_fine_in_graph(payload, in_graph)


@pytest.mark.parametrize(
    "read",
    [
        decode.decode,
        decode_graph.decode_in_graph,
        lambda payload: augment.train_image(
            payload,
            tf.constant([1, 2], tf.int64),
            config=config_lib.TrainConfig(augment="standard"),
            size=16,
        ),
    ],
)
def test_training_and_export_refuse_it(read):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 50 scans"):
        read(tf.constant(_MANY))


def test_an_audit_refuses_it():
    with pytest.raises(ValueError, match="more than 50 scans"):
        image_stats.measure(_MANY, 10_000_000)


def test_no_image_is_told_from_one_of_few_scans():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", progressive=True)
    jpeg_scans.check(file.getvalue())
