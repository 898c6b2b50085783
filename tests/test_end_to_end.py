"""From images to a served answer through the command line, in real processes."""

import json
import subprocess
import sys

import pytest

FLAGS = [
    "--backbone=EfficientNetLite0",
    "--weights=none",
    "--image_size=32",
    "--stages=head:8@0.5,top1:1@1e-3",
    "--batch_size=8",
]
SERVE = """
import json, sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answer = serve(image_bytes=tf.constant([open(p, "rb").read() for p in sys.argv[2:]]))
print(json.dumps([name.decode() for name in answer["class_name"].numpy()]))
"""


def images(folder) -> dict[str, list]:
    """Return the images of each class that the split did not train on."""
    return {path.name: sorted(path.glob("*.jpg")) for path in sorted(folder.iterdir())}


@pytest.mark.integration
def test_three_colours_from_training_to_serving(run_kft, solid_colours, tmp_path):
    folder, run = solid_colours(), tmp_path / "run"
    trained = run_kft("train", f"--dataset=folder:{folder}", f"--run_dir={run}", *FLAGS)
    assert trained.returncode == 0, trained.stderr
    result = json.loads((run / "result.json").read_text())
    assert result["val_accuracy"] >= 0.9
    for part in (str(run), "kft.evaluate", "kft.predict", "kft.export", "example.jpg"):
        assert part in trained.stdout
    assert not [line for line in trained.stderr.splitlines() if "0000 00:00" in line]
    report = (run / "report.html").read_text()
    assert f"{result['val_accuracy']:.1%} of the" in report and "saved_model" in report

    evaluated = run_kft("evaluate", f"--run_dir={run}")
    assert evaluated.returncode == 0, evaluated.stderr
    accuracy = json.loads((run / "evaluation.json").read_text())["accuracy"]
    assert accuracy == pytest.approx(result["val_accuracy"], abs=1e-6)

    predicted = run_kft("predict", f"--run_dir={run}", "--format=jsonl", folder)
    assert predicted.returncode == 0, predicted.stderr
    rows = [json.loads(line) for line in predicted.stdout.splitlines()]
    assert len(rows) == 60
    right = [row["predictions"][0]["label"] in row["file"] for row in rows]
    assert sum(right) >= 54

    chosen = [files[0] for files in images(folder).values()]
    served = subprocess.run(
        [sys.executable, "-c", SERVE, run / "export/saved_model/1", *chosen],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(served.stdout) == ["cyan", "magenta", "yellow"]

    again = run_kft("train", f"--dataset=folder:{folder}", f"--run_dir={run}", *FLAGS)
    assert again.returncode == 0 and "finished already" in again.stdout
    other = run_kft("train", f"--dataset=folder:{folder}", f"--run_dir={run}")
    assert other.returncode == 2
    (line,) = [x for x in other.stderr.splitlines() if "image_size" in x]
    assert "32 -> none" in line


@pytest.mark.integration
def test_shuffled_labels_can_not_be_learned(run_kft, solid_colours, tmp_path):
    folder, run = solid_colours(per_class=40, shuffled=True), tmp_path / "run"
    trained = run_kft(
        "train",
        f"--dataset=folder:{folder}",
        f"--run_dir={run}",
        "--validation_fraction=0.5",
        "--export=",
        *FLAGS,
    )
    assert trained.returncode == 0, trained.stderr
    lines = (run / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    # 60 examples: chance is 1/3 with a standard deviation of 0.06.
    assert last["val_accuracy"] < 0.55
