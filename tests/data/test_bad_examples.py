"""A damaged file is named, or left out and counted."""

import csv
import functools
import io
import os

import pytest
import tensorflow as tf

from kft import config, errors, tasks
from kft.data import bad_examples, pipeline
from kft.data.image import augment
from kft.distribution.batch_sharing import BatchShare
from tests.data import image_files


@pytest.fixture
def preprocess():
    """Return what turns an image into the input of a network."""
    options = config.ImageOptions(resize="squash")
    read = functools.partial(augment.eval_image, config=options, size=16)
    return lambda payload, key: read(payload)


def _folder(root, bad=()):
    """Make two classes of 20 images each, with damaged ones among them."""
    for number, color in enumerate(("red", "blue")):
        (root / color).mkdir()
        for index in range(20):
            path = root / color / f"{number}{index:02d}.png"
            path.write_bytes(image_files.solid(color))
    for name, content in dict(bad).items():
        (root / name).write_bytes(content)
    return tasks.load_splits(
        config.ImageOptions(dataset=f"folder:{root}", validation_fraction=0.3)
    )


_BAD = {
    "red/cut.jpg": image_files.encode(image_files.gradient(), "JPEG")[:400],
    "blue/text.jpg": b"This is text.",
}


def test_every_bad_example_is_found_in_order(tmp_path, preprocess):
    splits = _folder(tmp_path, _BAD)
    found = [
        bad
        for part in splits.parts().values()
        for bad in bad_examples.bad_examples(part, preprocess)
    ]
    reasons = {bad.id: bad.reason for bad in found}
    assert set(reasons) == set(_BAD)
    assert "13 bytes that begin with b'This is text.'" in reasons["blue/text.jpg"]
    assert "JPEG" in reasons["red/cut.jpg"]


def test_a_good_folder_has_no_bad_example(tmp_path, preprocess):
    splits = _folder(tmp_path)
    kept, bad = bad_examples.without_bad(splits, preprocess, max_bad_fraction=0.0)
    assert bad == ()
    assert kept.train.ids.tolist() == splits.train.ids.tolist()


def test_skipping_leaves_exactly_the_bad_ones_out(tmp_path, preprocess):
    splits = _folder(tmp_path, _BAD)
    kept, bad = bad_examples.without_bad(splits, preprocess, max_bad_fraction=0.05)
    before = {i for part in splits.parts().values() for i in part.ids}
    after = {i for part in kept.parts().values() for i in part.ids}
    assert before - after == set(_BAD) == {example.id for example in bad}
    rows = list(csv.DictReader(io.StringIO(bad_examples.bad_csv(bad))))
    assert {row["id"] for row in rows} == set(_BAD)
    assert all(row["reason"] for row in rows)


def test_too_many_bad_examples_fail(tmp_path, preprocess):
    splits = _folder(tmp_path, _BAD)
    with pytest.raises(errors.DataError, match=r"=0\.04: 2 of 42 examples"):
        bad_examples.without_bad(splits, preprocess, max_bad_fraction=0.04)


def test_a_class_of_bad_examples_alone_fails(tmp_path, preprocess):
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / "only.png").write_bytes(b"nothing")
    splits = _folder(tmp_path)
    if "green/only.png" not in splits.train.ids:
        pytest.fail("choose a name that the hash sends to training")
    with pytest.raises(errors.DataError, match="Every example of green"):
        bad_examples.without_bad(splits, preprocess, max_bad_fraction=0.5)


def test_the_failure_of_a_pipeline_becomes_an_error_that_names_the_example(
    tmp_path, preprocess
):
    splits = _folder(tmp_path, _BAD)
    parts = splits.parts().values()
    failed = 0
    for part in parts:
        batches = pipeline.eval_batches(
            part, preprocess, share=BatchShare(batch_size=4)
        )
        try:
            list(batches)
        except tf.errors.OpError as error:
            failed += 1
            explained = bad_examples.explain_failure(error, parts, preprocess)
            assert isinstance(explained, errors.DataError)
            assert any(name in str(explained) for name in _BAD)
    assert failed >= 1


@pytest.mark.parametrize("kind", ["dangling", "removed", "folder"])
def test_a_file_that_can_not_be_opened_is_named(tmp_path, preprocess, kind):
    if kind == "dangling":
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    splits = _folder(tmp_path)
    victim = splits.train.ids[0]
    if kind == "dangling":
        victim = "x/gone.png"
    else:
        os.remove(tmp_path / victim)
    if kind == "folder":
        (tmp_path / victim).mkdir()
    found = [
        bad.id
        for part in splits.parts().values()
        for bad in bad_examples.bad_examples(part, preprocess)
    ]
    assert found == [victim]


@pytest.mark.parametrize(
    "message",
    [
        "{{function_node __inference_f_6}} Invalid data.\n\t [[{{node x}}]] [Op:f]",
        "Graph execution error:\n\nDetected at node cond/x defined at (most recent "
        'call last):\n  File "a.py", line 1, in <module>\n\n'
        '  File "b.py", line 2, in f\n\n'
        "Invalid data.\n\t [[{{node cond/x}}]] [Op:f]",
        "Graph execution error:\n\nDetected at node x defined at (most recent call "
        "last):\n<stack traces unavailable>\n{{function_node f}} Invalid data\n",
        "2 root error(s) found.\n  (0) INVALID_ARGUMENT:  Invalid data.\n\t [[{{node "
        "x}}]]\n  (1) CANCELLED:  Other",
        "ValueError: Invalid data\nTraceback (most recent call last):\n  File 1",
        "assertion failed: [Invalid data]",
        "{{function_node __wrapped__ReadFile}} Invalid data [Op:ReadFile] name: ",
    ],
)
def test_of_a_message_only_what_is_wrong_is_left(message):
    error = tf.errors.InvalidArgumentError(None, None, message)
    assert bad_examples.first_line(error) == "Invalid data"


def test_an_error_without_a_message_is_named_by_its_kind():
    message = "{{function_node __wrapped__ReadFile}} [Op:ReadFile] name: "
    error = tf.errors.NotFoundError(None, None, message)
    assert bad_examples.first_line(error) == "NotFoundError"


def test_the_csv_of_bad_examples_comes_back():
    bad = (
        bad_examples.BadExample("a,b/ü.jpg", 'no "image"'),
        bad_examples.BadExample("c", "x"),
    )
    assert bad_examples.parse_bad_csv(bad_examples.bad_csv(bad)) == bad
    assert bad_examples.parse_bad_csv(bad_examples.bad_csv(())) == ()
    for text in ("", "id\n", "id,reason\na\n", "id,label\na,b\n"):
        with pytest.raises(ValueError, match="columns id and reason"):
            bad_examples.parse_bad_csv(text)


def test_what_is_left_out_is_other_data(tmp_path, preprocess):
    splits = _folder(tmp_path, _BAD)
    kept, bad = bad_examples.without_bad(splits, preprocess, max_bad_fraction=0.05)
    assert kept.fingerprint != splits.fingerprint
    assert bad_examples.leave_out(splits, bad[::-1]).fingerprint == kept.fingerprint
    assert bad_examples.leave_out(splits, bad[:1]).fingerprint != kept.fingerprint


def test_errors_of_another_kind_stay_as_they_are(tmp_path, preprocess):
    parts = _folder(tmp_path, _BAD).parts().values()
    for error in (ValueError("no"), KeyboardInterrupt()):
        assert bad_examples.explain_failure(error, parts, preprocess) is error
    good = [part.take(slice(0, 2)) for part in parts]
    failure = tf.errors.InternalError(None, None, "out of luck")
    assert bad_examples.explain_failure(failure, good, preprocess) is failure
