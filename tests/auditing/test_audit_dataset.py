"""An audit finds what was put into a data set, and nothing else."""

import json
import shutil

import numpy as np
import pytest
from rich.console import Console

from kft import errors, tasks
from kft.auditing import audit_dataset
from kft.config import AuditConfig, AuditOptions, ImageOptions
from tests.auditing.conftest import EVIL
from tests.data import image_files
from tests.reporting.pages import Page


def _audit(dataset, out, **options):
    """Return audit.json, audit.html and what a terminal shows."""
    settings = AuditConfig(dataset=dataset, out=str(out), **options)
    terminal = Console(record=True, quiet=True)
    found, folder = audit_dataset.audit(settings, terminal)
    assert folder == out
    content = json.loads((out / audit_dataset.JSON).read_text())
    assert content["is_clean"] == found.is_clean
    return content, (out / audit_dataset.PAGE).read_text(), found


@pytest.fixture(scope="module")
def audited(dirty, tmp_path_factory):
    return _audit(f"folder:{dirty}", tmp_path_factory.mktemp("audit"))


def _ids(examples):
    return sorted(example["id"] for example in examples)


def _groups(groups):
    """Return (ids, across splits, across labels) of each group, sorted."""
    return sorted(
        (_ids(g["examples"]), g["across_splits"], g["across_labels"]) for g in groups
    )


def test_exact_copies_are_found_by_their_bytes(audited):
    assert _groups(audited[0]["exact_duplicates"]) == [
        ([f"train/{EVIL}/exact across labels.jpg", "train/cat/2.jpg"], False, True),
        (["train/cat/0.jpg", "val/cat/exact across splits.jpg"], True, False),
        (["train/cat/4.jpg", "train/cat/exact in one.jpg"], False, False),
    ]


def test_near_copies_are_found_by_their_hash(audited):
    assert _groups(audited[0]["near_duplicates"]) == [
        (["train/cat/10.jpg", "train/cat/brighter.webp"], False, False),
        (["train/cat/6.jpg", "val/cat/encoded again.jpg"], True, False),
        (["train/cat/8.jpg", f"val/{EVIL}/half.jpg"], True, True),
    ]


def test_files_that_can_not_be_read_are_listed_with_their_reason(audited):
    reasons = {bad["id"]: bad["reason"] for bad in audited[0]["unreadable"]}
    assert set(reasons) == {f"val/cat/{n}" for n in ("cut.jpg", "gone.png", "text.jpg")}
    assert reasons["val/cat/gone.png"] == "No such file or directory"
    assert "truncated" in reasons["val/cat/cut.jpg"]
    assert "13 bytes that begin with b'This is text.'" in reasons["val/cat/text.jpg"]


def test_odd_images_are_listed(audited):
    content = audited[0]
    (png,) = content["mislabelled"]
    assert (png["id"], png["format"]) == ("train/cat/in truth a png.jpg", "PNG")
    assert _ids(content["tiny"]) == ["train/cat/tiny.png"]
    assert _ids(content["extreme"]) == ["train/cat/long.png"]
    assert _ids(content["flat"]) == ["train/cat/flat.png"]
    assert content["not_hashed"] == 2
    assert content["not_used"] == {"": 1, ".txt": 1}
    assert content["not_used_by_folder"] == {"": {".": 1}, ".txt": {"train/cat": 1}}


def test_dark_images_of_16_bits_and_those_no_export_reads_are_listed(clean, tmp_path):
    shutil.copytree(clean, tmp_path / "photos")
    folder = tmp_path / "photos/train/cat"
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    kinds = {".png": "PNG", "tiff": "TIFF"}
    for name, most in (("dark.png", 1), ("bright.png", 16), ("dark.tiff", 1)):
        (folder / name).write_bytes(image_files.encode(values * most, kinds[name[-4:]]))
    content, page, _ = _audit(f"folder:{tmp_path / 'photos'}", tmp_path / "out")
    dark = {e["id"]: e["bits"] for e in content["dark_16_bit"]}
    assert dark == {"train/cat/dark.png": 12, "train/cat/dark.tiff": 12}
    assert _ids(content["not_served"]) == ["train/cat/dark.tiff"]
    assert "values below 4,096" in page


def test_counts_are_those_of_the_splits(audited):
    content = audited[0]
    assert content["pictures"] == 24 + 13
    assert content["counts"] == {
        EVIL: {"train": 9, "validation": 5},
        "cat": {"train": 14, "validation": 9},
    }
    assert content["imbalance"] == round(14 / 9, 3)
    assert content["similar_labels"] == []
    assert content["formats"] == {"JPEG": 29, "PNG": 4, "WEBP": 1}
    assert content["sizes"]["width"] == [20, 240, 600]


def test_files_of_a_table_that_are_not_there_are_listed(clean, tmp_path):
    rows = [f"{clean}/train/cat/{n}.jpg,{'ab'[n % 4 // 2]}" for n in range(0, 16, 2)]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *rows, "gone.jpg,a"]))
    # The split follows from the paths, and these are others in every run of the tests.
    table = f"csv:{tmp_path}/t.csv"
    content, _, _ = _audit(table, tmp_path, validation_fraction=0.0)
    assert content["pictures"] == 9
    (bad,) = content["unreadable"]
    assert (bad["id"], bad["reason"]) == ("gone.jpg", "No such file or directory")


def test_a_clean_data_set_is_clean(clean, tmp_path):
    content, page, found = _audit(f"folder:{clean}", tmp_path / "a" / "b")
    assert content["is_clean"]
    assert not content["exact_duplicates"]
    assert not content["near_duplicates"]
    assert found.leaks == []
    assert "data:image" not in page


def test_near_copies_can_be_left_alone(dirty, tmp_path):
    content, page, found = _audit(f"folder:{dirty}", tmp_path, near_bits=None)
    assert content["near_duplicates"] is None
    assert len(found.leaks) == 2
    assert "--near_bits=none" in page
    assert "or leaves them out with --on_bad_image=skip." in page


def test_the_page_needs_nothing_else_and_escapes_names(audited):
    page = Page(audited[1])
    assert "<img src=x" not in audited[1]
    assert "<img src=x onerror=alert(1)>" in page.text
    targets = {f"#{attributes.get('id')}" for _, attributes in page.elements}
    sources = [one for one in page.sources() if one not in targets]
    # Two in each of six groups, and one each for the four odd ones.
    assert len(sources) == 16
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_the_page_has_the_counts_of_what_was_found(audited):
    _, content, found = audited
    figures = Page(content).figures
    assert figures["examples"][0] == str(len(found.examples))
    assert figures["classes"][0] == str(len(found.counts))
    assert figures["found.1"][0] == str(len(found.leaks))
    assert figures["found.2"][0] == str(len(found.unreadable))


def test_a_folder_for_the_findings_among_the_images_is_refused(clean, monkeypatch):
    for out in (str(clean / "audit"), str(clean)):
        settings = AuditConfig(dataset=f"folder:{clean}", out=out)
        with pytest.raises(errors.ConfigError, match="would count as a class"):
            audit_dataset.audit(settings, Console(quiet=True))
    monkeypatch.chdir(clean)
    with pytest.raises(errors.ConfigError, match="would count as a class"):
        audit_dataset.audit(AuditConfig(dataset="folder:."), Console(quiet=True))
    assert not (clean / "audit").exists()


def test_a_folder_that_can_not_be_made_is_named(clean, tmp_path):
    (tmp_path / "file").touch()
    settings = AuditConfig(dataset=f"folder:{clean}", out=str(tmp_path / "file" / "x"))
    with pytest.raises(errors.ConfigError, match=r"--out=.*Not a directory"):
        audit_dataset.audit(settings, Console(quiet=True))


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("folder:/data/My photos/", "My-photos"),
        ("folder:/data/v1.5", "v1.5"),
        ("csv:/data/pets.csv", "pets"),
        ("tfds:tf_flowers/3.0.1", "tf_flowers"),
        ("tfds:cars196:2.0.0", "cars196"),
        ("digits", "digits"),
        ("tfrecord:/data/flowers/*.tfrecord", "flowers"),
        ("tfrecord:gs://bucket/flowers/train-*", "flowers"),
        ("webdataset:/data/flowers/{0..9}.tar", "flowers"),
        ("folder:gs://bucket/photos", "photos"),
    ],
)
def test_the_default_folder_has_the_name_of_the_data(dataset, name):
    assert audit_dataset.out_folder(AuditConfig(dataset=dataset)).parts == (
        "audit",
        name,
    )


def test_the_splits_are_those_of_training(clean, tmp_path):
    options = {"dataset": f"folder:{clean / 'train'}", "validation_fraction": 0.4}
    content, _, _ = _audit(out=tmp_path, **options)
    for name, part in tasks.load_splits(ImageOptions(**options)).parts().items():
        assert sum(row[name] for row in content["counts"].values()) == len(part)


def test_images_that_a_flag_leaves_out_are_not_called_unused(dirty, tmp_path):
    content, _, _ = _audit(f"folder:{dirty}", tmp_path, examples_per_class=1)
    assert content["not_used"] == {}


def test_a_task_that_cannot_be_audited_is_told_before_anything_is_written(tmp_path):
    out = tmp_path / "audit"
    options = AuditOptions(
        task="audio_classification", dataset="folder:x", out=str(out)
    )
    with pytest.raises(errors.ConfigError, match="only at those of image_classif"):
        audit_dataset.audit(options, Console())
    assert not out.exists()


def test_training_takes_the_splits_without_what_is_wrong(dirty, tmp_path):
    out = tmp_path / "first"
    _, _, first = _audit(f"folder:{dirty}", out)
    split = str(out / audit_dataset.SPLIT)
    second, _, found = _audit(f"folder:{dirty}", tmp_path / "second", split_file=split)
    assert found.unreadable == []
    assert second["exact_duplicates"] == []
    assert _groups(second["near_duplicates"]) == [
        (["train/cat/10.jpg", "train/cat/brighter.webp"], False, False)
    ]
    left_out = (out / audit_dataset.LEFT_OUT).read_text().splitlines()[1:]
    assert len(found.examples) == len(first.examples) - len(left_out)
