"""The command, on a real finished run."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import predict
from kft.cli import command as cli_command
from kft.data.image import decode, resize
from kft.evaluation import load_run
from kft.metrics import scores


def _run(run: Path, *arguments: str | Path) -> int:
    """Return the exit code of the command in this process."""
    command = [f"--run_dir={run}", *map(str, arguments)]
    try:
        return cli_command.execute(predict.COMMAND, command)
    except SystemExit as error:
        return 1 if isinstance(error.code, str) else error.code


@pytest.fixture(scope="module")
def expected(finished_run: Path) -> dict[str, np.ndarray]:
    """Return the probabilities of some images, by file."""
    model = load_run.load(str(finished_run)).model
    files = sorted((finished_run.parent / "images").glob("*/*.jpg"))[::4]
    images = [decode.decode(tf.constant(path.read_bytes())) for path in files]
    squares = [resize.resize(one, size=64, method="crop") for one in images]
    probabilities = scores.softmax(model.predict_on_batch(np.stack(squares)))
    return dict(zip(map(str, files), probabilities, strict=True))


def test_a_file_whose_name_is_not_utf8_gets_its_row_among_the_others(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = sorted((finished_run.parent / "images").glob("*/*.jpg"))[0].read_bytes()
    for name in (b"a.jpg", b"caf\xe9.jpg", b"z.jpg"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(image)
    assert _run(finished_run, "--format=jsonl", tmp_path) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 3
    assert all(row["predictions"] == rows[0]["predictions"] for row in rows)


def test_jsonl_has_the_networks_probabilities_in_the_order_of_the_files(
    finished_run: Path,
    expected: dict[str, np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = list(expected)[::-1]
    arguments = ["--format=jsonl", "--top_k=2", "--batch_size=4", *files]
    assert _run(finished_run, *arguments) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == files
    for row in rows:
        assert list(row) == ["file", "predictions"]
        assert list(row["predictions"][0]) == ["label", "class_id", "probability"]
        probabilities = expected[row["file"]]
        best = np.argsort(-probabilities)[:2]
        assert [one["class_id"] for one in row["predictions"]] == best.tolist()
        labels = [("cyan", "magenta", "yellow")[i] for i in best]
        assert [one["label"] for one in row["predictions"]] == labels
        given = [one["probability"] for one in row["predictions"]]
        assert given == pytest.approx(probabilities[best], abs=1e-6)


def test_bad_files_are_rows_in_their_place_and_exit_code_1(
    finished_run: Path,
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = next(iter(expected))
    bad, missing = tmp_path / "bad.jpg", tmp_path / "missing.jpg"
    bad.write_bytes(b"no image")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(Path(good).read_bytes()[:100])
    files = [str(path) for path in (bad, good, missing, good, cut, good)]
    # Batches of 2, so that bad files stand before, within and after a batch.
    assert _run(finished_run, "--format=jsonl", "--batch_size=2", *files) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == files
    assert ["error" in row for row in rows] == [True, False] * 3
    assert rows[0]["error"].startswith("not an image")
    assert rows[2]["error"] == "there is no such file"
    assert rows[4]["predictions"] == []
    # Equal but for rounding: a row's place in its batch may decide the order of sums.
    for row in rows[1::2]:
        given = sorted(row["predictions"], key=lambda one: one["class_id"])
        found = [one["probability"] for one in given]
        assert found == pytest.approx(expected[good], abs=1e-6)


def test_csv_has_as_many_columns_in_every_row(
    finished_run: Path,
    expected: dict[str, np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = next(iter(expected))
    # Of three classes there are no five.
    assert _run(finished_run, "--format=csv", "--top_k=5", good, "no, such.jpg") == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == [
        "file",
        *(
            f"{name}_{rank}"
            for rank in (1, 2, 3)
            for name in ("label", "class_id", "probability")
        ),
        "error",
    ]
    assert float(rows[0]["probability_1"]) == pytest.approx(expected[good].max())
    assert rows[0]["error"] == ""
    assert rows[1]["file"] == "no, such.jpg"
    assert rows[1]["label_1"] == rows[1]["probability_3"] == ""
    assert rows[1]["error"] == "there is no such file"


def test_the_table_shows_the_likeliest_class_first(
    finished_run: Path,
    expected: dict[str, np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = next(iter(expected))
    assert _run(finished_run, file) == 0
    line = capsys.readouterr().out.rstrip("\n")
    best = expected[file].argmax()
    label = ("cyan", "magenta", "yellow")[best]
    assert line.startswith(f"{file}  {label} {expected[file][best]:.1%}")


def test_a_folder_stands_for_its_images(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = finished_run.parent / "images" / "yellow"
    assert _run(finished_run, "--format=jsonl", folder) == 0
    files = [json.loads(s)["file"] for s in capsys.readouterr().out.splitlines()]
    assert files == sorted(map(str, folder.iterdir()))


def test_only_bad_files_start_no_network_step(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(finished_run, "gone.jpg") == 1
    assert "there is no such file" in capsys.readouterr().out


def test_a_run_may_stand_before_the_files(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = next((finished_run.parent / "images").glob("*/*.jpg"))
    assert cli_command.execute(predict.COMMAND, [str(finished_run), str(image)]) == 0
    assert capsys.readouterr().out.startswith(str(image))
    # What is no run is a file, of which no model is told.
    assert cli_command.execute(predict.COMMAND, [str(image), str(image)]) == 2
    assert "received neither" in capsys.readouterr().err


def test_with_views_the_answer_is_the_mean_of_the_probabilities(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sorted((finished_run.parent / "images").glob("*/*.jpg"))[0]
    square = resize.resize(
        decode.decode(tf.constant(file.read_bytes())), size=64, method="crop"
    ).numpy()
    both = np.stack([square, square[:, ::-1]])
    model = load_run.load(str(finished_run)).model
    each = scores.softmax(model.predict_on_batch(both))
    arguments = ["--format=jsonl", "--top_k=3", "--tta=flip", file]
    assert _run(finished_run, *arguments) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {one["class_id"]: one["probability"] for one in row["predictions"]}
    expected = each.mean(axis=0)
    assert [found[i] for i in range(3)] == pytest.approx(expected, abs=1e-6)
    assert np.abs(expected - each[0]).max() > 1e-4
