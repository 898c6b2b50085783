"""The report of a real run, some of whose names try to break out of the page."""

import dataclasses
import json
import shutil
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from kft import errors
from kft.evaluation import calibrated_temperature, load_run, run_split
from kft.metrics import calibration
from kft.pages.render import render as page_text
from kft.reporting import chart_files, gallery, run_record, sections, write_report
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir
from kft.tasks import grad_cam
from tests.counted_bar import CountedBar
from tests.reporting.pages import Page

HOSTILE = "<img src=x onerror=alert(1)>"
HOSTILE_FILE = '"><svg onload=alert(2)>'
PARITY = {
    "onnx": {
        "export": "onnx/model.onnx",
        "quantize": "none",
        "examples": 18,
        "top1_agreement": 0.9444,
        "largest_difference": 1.5e-7,
        "accuracy": 0.5,
        "network_accuracy": 0.5,
        "megabytes": 3.21,
        "milliseconds_p50": 1.5,
        "milliseconds_p95": 2.5,
        "images_per_second": 640.0,
        "passed": False,
        "problem": "</script><b>1 of 18</b>",
        "tta": "flip",
    }
}


def hostile_run(finished_run: Path, folder: Path) -> Path:
    """Return a copy of a run, with a class and files that are called like attacks."""
    shutil.copytree(finished_run.parent, folder, dirs_exist_ok=True)
    run, images = folder / "run", folder / "images"
    (images / "yellow").rename(images / HOSTILE)
    for path in images.glob("*/*.jpg"):
        path.rename(path.with_name(f"{HOSTILE_FILE}{path.name}"))
    for name in ("labels.txt", "split.csv"):
        text = (run / name).read_text().replace("yellow", HOSTILE)
        for number in range(60):
            quoted = HOSTILE_FILE.replace('"', '""')
            text = text.replace(f"/{number:04d}.jpg,", f"/{quoted}{number:04d}.jpg,")
        if name == "split.csv":
            lines = text.splitlines()
            text = "\n".join([lines[0], *map(_with_quoted_id, lines[1:])]) + "\n"
        (run / name).write_text(text)
    config = json.loads((run / "config.json").read_text())
    config["dataset"] = f"folder:{images}"
    (run / "config.json").write_text(json.dumps(config))
    (run / "export").mkdir(exist_ok=True)
    (run / "export" / "parity.json").write_text(json.dumps(PARITY))
    return run


def _with_quoted_id(line: str) -> str:
    """Return a line of split.csv whose id has quotes in it."""
    name, label, side = line.rsplit(",", 2)
    return f'"{name}",{label},{side}'


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = hostile_run(finished_run, tmp_path_factory.mktemp("hostile"))
    with pytest.MonkeyPatch.context() as patch:
        # The run's inputs are so small that its feature map would be refused.
        patch.setattr(grad_cam, "LEAST_SIDE", 1)
        write_report.make(run_dir.at(str(copy)))
    return copy


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page((run / "report.html").read_text(encoding="utf-8"))


def test_every_figure_is_that_of_evaluation_json(run: Path, page: Page) -> None:
    kept = json.loads((run / "evaluation.json").read_text())
    figures = dict(page.figures)
    for rank, one in enumerate(kept["classes"]):
        for name in ("examples", "recall", "precision", "f1", "roc_auc"):
            value, text = figures.pop(f"classes.{rank}.{name}")
            expected = "" if one[name] is None else str(one[name])
            assert value == expected
            assert text == "–" if one[name] is None else float(text) == _near(one[name])
    for name, (value, text) in figures.items():
        assert value == ("" if kept[name] is None else str(kept[name]))
        if text.endswith("%"):
            assert float(text[:-1]) / 100 == _near(kept[name])
        else:
            assert (
                text == "–" if kept[name] is None else float(text) == _near(kept[name])
            )
    scalars = {k for k, v in kept.items() if isinstance(v, int | float)}
    assert scalars | {"top_5_accuracy"} == figures.keys()


def _near(value: float) -> float:
    # As exact as what is shown.
    return pytest.approx(value, abs=0.5001e-4)


def test_all_of_evaluation_json_is_in_the_page(run: Path, page: Page) -> None:
    kept = json.loads((run / "evaluation.json").read_text())
    dense = [[0] * 3 for _ in range(3)]
    for row, column, count in page.json("confusion")["cells"]:
        dense[row][column] = count
    assert {**page.json("evaluation"), "confusion": dense} == kept


def test_names_of_classes_and_files_stay_text(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    handlers = [
        a for _, attributes in page.elements for a in attributes if a[:2] == "on"
    ]
    assert handlers == []
    # The data of the page, the names of its cells, and its own script.
    assert tags.count("script") == 3
    assert HOSTILE in page.text
    assert HOSTILE_FILE in page.text
    assert "</script><b>1 of 18</b>" in page.text
    assert page.json("confusion")["names"][2] == HOSTILE


def test_without_its_examples_the_page_says_so_and_has_the_figures(
    run: Path, page: Page, tmp_path: Path
) -> None:
    config = json.loads((run / "config.json").read_text())
    images = config["dataset"].removeprefix("folder:")
    copy = shutil.copytree(run, tmp_path / "run")
    shutil.copytree(images, tmp_path / "images")
    config["dataset"] = "folder:gone"
    (copy / "config.json").write_text(json.dumps(config))
    told = f"folder:{tmp_path / 'images'}"
    evaluation = json.loads((copy / "evaluation.json").read_text())
    (copy / "evaluation.json").write_text(
        json.dumps({**evaluation, "data": "folder:gone"})
    )
    there = run_dir.at(str(copy))
    write_report.make(there, loader=load_run.loader_of(there, data=told))
    found = Page((copy / "report.html").read_text(encoding="utf-8"))
    shown, again = (
        [s for s in one.sources() if s.startswith("data:image/jpeg")]
        for one in (page, found)
    )
    assert again == shown != []
    write_report.make(run_dir.at(str(copy)))
    found = Page((copy / "report.html").read_text(encoding="utf-8"))
    assert "without the examples themselves" in found.text
    assert "--data=folder:PLACE" in found.text
    assert dict(found.figures) == dict(page.figures)
    left = [s for s in found.sources() if s.startswith("data:image/jpeg")]
    assert len(left) < len(shown)


def test_the_page_needs_no_other_file_and_no_network(run: Path, page: Page) -> None:
    assert [s for s in page.sources() if not s.startswith(("data:image/", "#"))] == []
    targets = {a.get("id") for _, a in page.elements}
    assert {s[1:] for s in page.sources() if s.startswith("#")} <= targets
    content = (run / "report.html").read_text()
    assert "default-src 'none'" in content
    assert "@import" not in content and "url(" not in content
    assert len(content) < 5_000_000


def test_everything_that_a_reader_looks_for_is_there(run: Path, page: Page) -> None:
    split = json.loads((run / "evaluation.json").read_text())
    assert f"{split['accuracy']:.1%} of the 18 validation examples" in page.text
    config = json.loads((run / "config.json").read_text())
    for text in (config["stages"], "SHA-256 of split.csv", "tensorflow 2.", "Exports"):
        assert text in page.text
    assert "mean over --tta=flip" in page.text
    images = [a for tag, a in page.elements if tag == "img"]
    heat = [a for a in images if a["src"].startswith("data:image/png")]
    mistakes = round((1 - split["accuracy"]) * 18)
    # Mistakes and doubts, and the pairs' own; then six training images without heat.
    assert len(heat) >= mistakes + 18
    assert len(images) == 2 * len(heat) + 6
    charts = [a for tag, a in page.elements if tag == "svg"]
    assert len(charts) == 6


def test_what_matters_most_comes_first(run: Path, page: Page) -> None:
    sections = [a["id"] for tag, a in page.elements if tag == "h2"]
    assert sections == [
        *("training", "groups", "confusions", "mistakes", "doubts", "calibration"),
        *("inputs", "exports", "run"),
    ]
    tiles = [a for tag, a in page.elements if tag == "div" and a.get("class") == "tile"]
    assert len(tiles) == 4
    # What few classes are taken for stands beside their figures.
    place = page.elements.index(("div", {"class": "beside"}))
    parts = [n for n, (tag, _) in enumerate(page.elements) if tag == "section"]
    assert parts[0] == place + 1
    heads = [page.elements[n + 1][1]["id"] for n in parts]
    assert heads == ["groups", "confusions"]
    kept = json.loads((run / "evaluation.json").read_text())
    shown = [name for name in page.figures if name.endswith(".f1")]
    values = [kept["classes"][int(name.split(".")[1])]["f1"] for name in shown]
    assert values == sorted(values) and len(set(values)) > 1
    # Images are seen as they are until somebody asks for more.
    (switch,) = (a for tag, a in page.elements if a.get("id") == "show-overlay")
    assert "checked" not in switch


@pytest.mark.parametrize("name", [chart_files.CURVES, chart_files.CONFUSION])
def test_curves_and_confusions_are_files_for_slides(run: Path, name: str) -> None:
    with Image.open(run / "charts" / f"{name}.png") as drawn:
        assert drawn.format == "PNG" and min(drawn.size) > 600
        assert len(drawn.convert("L").getcolors()) > 20
    vectors = ElementTree.parse(run / "charts" / f"{name}.svg").getroot()
    kinds = {one.tag.rpartition("}")[2]: one for one in vectors.iter()}
    # Names of classes are drawn, as shapes: nothing of them is markup.
    assert "path" in kinds and not kinds.keys() & {"script", "img", "a", "text"}


def test_curves_alone_are_drawn_where_examples_have_no_one_class(
    run: Path, tmp_path: Path
) -> None:
    record = run_record.read(run_dir.at(str(run)))
    for number, evaluation in enumerate((None, types.SimpleNamespace(figures=None))):
        out, bar = RunDir(run, tmp_path / str(number)), CountedBar()
        written = chart_files.write(out, record, evaluation, bar=bar)
        assert bar.steps == {"charts": [2, 1, 1]}
        assert [path.name for path in written] == ["curves.png", "curves.svg"]
        assert set((out.out / "charts").iterdir()) == set(written)
    bare = dataclasses.replace(record, history=())
    assert chart_files.write(out, bare, None) == ()


def test_the_curves_of_a_file_are_those_of_the_page(run: Path) -> None:
    curves = sections.figure_curves(run_record.read(run_dir.at(str(run))))
    assert [one.title for one in curves] == ["Loss", "Accuracy"]
    drawn = chart_files.draw_curves(curves)
    for panel, chart in zip(drawn.axes, curves, strict=True):
        lines = {one.get_label(): one for one in panel.lines}
        for line in chart.lines:
            assert lines[line.label].get_xdata().tolist() == [d.x for d in line.dots]
            assert lines[line.label].get_ydata().tolist() == [d.y for d in line.dots]
        # What is more is above what is less.
        assert panel.yaxis_inverted()


def test_a_report_that_can_not_be_made_leaves_the_last_one(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: str, **options: object) -> None:
        raise errors.DataError(f"the images of {path} are gone")

    before = (run / "report.html").read_bytes()
    monkeypatch.setattr(load_run, "load", gone)
    with pytest.raises(errors.DataError, match="are gone"):
        write_report.make(run_dir.at(str(run)))
    assert (run / "report.html").read_bytes() == before
    assert [p.name for p in run.iterdir() if p.name.startswith(".tmp")] == []


def test_a_run_whose_data_has_no_fingerprint_says_so(run: Path) -> None:
    record = run_record.read(run_dir.at(str(run)))
    facts = {**record.environment, "data_fingerprint": None}
    found = dict(sections.facts(dataclasses.replace(record, environment=facts)))
    assert found["data fingerprint"] == "not recorded"


def test_a_run_with_a_teacher_says_who_that_is(run: Path) -> None:
    record = run_record.read(run_dir.at(str(run)))
    assert "teacher" not in dict(sections.facts(record))
    config = dataclasses.replace(record.config, teacher="runs/large")
    found = dict(sections.facts(dataclasses.replace(record, config=config)))
    assert found["teacher"] == "runs/large (weight 0.5, temperature 2)"


def test_a_run_that_nothing_judges_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "training_views", lambda *arguments: ())
    monkeypatch.setattr(run_split, "of_split", lambda *arguments: None)
    inputs = types.SimpleNamespace(is_augmented=False, boundaries=())
    network = types.SimpleNamespace(task=types.SimpleNamespace(inputs=inputs))
    record = run_record.read(run_dir.at(str(run)))
    page = Page(
        page_text(
            "kft.reporting",
            "report.html",
            write_report.values_of(record, None, network),
        )
    )
    assert "Nothing says how good this network is" in page.text
    assert page.figures == {}
    targets = {attributes.get("id") for _, attributes in page.elements}
    assert {s[1:] for s in page.sources()} <= targets


def test_a_network_without_a_map_is_reported_on_with_its_temperature(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_map(network: object) -> None:
        raise ValueError("the head does not read a feature map")

    monkeypatch.setattr(grad_cam, "feature_split", no_map)
    copy = run_dir.at(str(shutil.copytree(run, tmp_path / "run")))
    before = "before the temperature"
    assert before not in (run / "report.html").read_text()
    found = calibration.Calibration(1.5, 18, 0.6, 0.5, 0.15, 0.0)
    calibrated_temperature.record(copy, found)
    made = Page(write_report.make(copy).path.read_text())
    images = [a for tag, a in made.elements if tag == "img"]
    assert images and all(a["src"].startswith("data:image/jpeg") for a in images)
    assert f"{before} 1.5000" in made.text
    assert "needs one feature map below the head, and the head does not" in made.text
