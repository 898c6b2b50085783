"""The layouts that data comes in: which folders are classes, and which splits."""

import pytest

from kft import config, errors, tasks
from kft.data.examples import TEST, TRAIN, VALIDATION


def _make(root, *places):
    """Put twelve files into each place that ends in a slash, else that file."""
    for place in places:
        names = [f"{n}.jpg" for n in range(12)] if place.endswith("/") else [""]
        for name in names:
            path = root / (place + name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


def _load(root, **options):
    options = {"validation_fraction": 0.0, **options}
    return tasks.load_splits(config.ImageOptions(dataset=f"folder:{root}", **options))


def _seen(result):
    """Return the classes, and the split of each folder that examples came from."""
    places = {
        (str(name).rpartition("/")[0], split)
        for split, part in result.parts().items()
        for name in part.ids
    }
    return result.labels.names, dict(places)


# Folders, the classes, and what is taken from where.
_LAYOUTS = {
    "kaggle with an unlabelled test": (
        ["train/cat/", "train/dog/", "test/"],
        {"train/cat": TRAIN, "train/dog": TRAIN},
    ),
    "kaggle with one more test": (
        ["train/cat/", "train/dog/", "test1/1.jpg", "sample_submission.csv"],
        {"train/cat": TRAIN, "train/dog": TRAIN},
    ),
    "chest_xray in itself": (
        ["chest_xray/train/cat/", "chest_xray/train/dog/", "chest_xray/test/cat/"],
        {
            "chest_xray/train/cat": TRAIN,
            "chest_xray/train/dog": TRAIN,
            "chest_xray/test/cat": TEST,
        },
    ),
    "chest_xray beside itself": (
        [
            "train/cat/",
            "train/dog/",
            "val/cat/",
            "chest_xray/train/cat/",
            "__MACOSX/train/cat/",
        ],
        {"train/cat": TRAIN, "train/dog": TRAIN, "val/cat": VALIDATION},
    ),
    "intel": (
        [
            "seg_train/seg_train/cat/",
            "seg_train/seg_train/dog/",
            "seg_test/seg_test/cat/",
            "seg_pred/seg_pred/",
        ],
        {
            "seg_train/seg_train/cat": TRAIN,
            "seg_train/seg_train/dog": TRAIN,
            "seg_test/seg_test/cat": TEST,
        },
    ),
    "signs with a test in itself": (
        ["abc_train/abc_train/cat/", "abc_train/abc_train/dog/", "abc_test/abc_test/"],
        {"abc_train/abc_train/cat": TRAIN, "abc_train/abc_train/dog": TRAIN},
    ),
    "roboflow": (
        ["train/cat/", "train/dog/", "valid/cat/", "test/dog/", "README.roboflow.txt"],
        {
            "train/cat": TRAIN,
            "train/dog": TRAIN,
            "valid/cat": VALIDATION,
            "test/dog": TEST,
        },
    ),
    "imagefolder": (
        ["data/train/cat/", "data/train/dog/", "data/validation/dog/", "README.md"],
        {
            "data/train/cat": TRAIN,
            "data/train/dog": TRAIN,
            "data/validation/dog": VALIDATION,
        },
    ),
    "images around classes": (
        ["images/cat/", "images/dog/", "annotations/1.xml"],
        {"images/cat": TRAIN, "images/dog": TRAIN},
    ),
    "images within splits": (
        ["train/images/cat/", "train/images/dog/", "test/images/cat/"],
        {
            "train/images/cat": TRAIN,
            "train/images/dog": TRAIN,
            "test/images/cat": TEST,
        },
    ),
    "words around the split": (
        ["train_images/cat/", "train_images/dog/", "images-val2017/cat/"],
        {
            "train_images/cat": TRAIN,
            "train_images/dog": TRAIN,
            "images-val2017/cat": VALIDATION,
        },
    ),
    "a folder of any name around splits": (
        ["Animals v3/train/cat/", "Animals v3/train/dog/", "Animals v3/val/cat/"],
        {
            "Animals v3/train/cat": TRAIN,
            "Animals v3/train/dog": TRAIN,
            "Animals v3/val/cat": VALIDATION,
        },
    ),
    "fruits with more tests and papers": (
        ["Training/cat/", "Training/dog/", "Test/cat/", "papers/", "test-multiple/"],
        {"Training/cat": TRAIN, "Training/dog": TRAIN, "Test/cat": TEST},
    ),
    "aclImdb, with examples of no class": (
        ["train/cat/", "train/dog/", "train/unsup/", "test/cat/", "test/dog/"],
        {
            "train/cat": TRAIN,
            "train/dog": TRAIN,
            "test/cat": TEST,
            "test/dog": TEST,
        },
    ),
    "dev as in research": (
        ["train/cat/", "train/dog/", "dev/cat/", "test/dog/"],
        {
            "train/cat": TRAIN,
            "train/dog": TRAIN,
            "dev/cat": VALIDATION,
            "test/dog": TEST,
        },
    ),
    "splits and a folder without images": (
        ["train/cat/", "train/dog/", "labels/1.txt"],
        {"train/cat": TRAIN, "train/dog": TRAIN},
    ),
}


@pytest.mark.parametrize("name", _LAYOUTS)
def test_layouts_that_data_comes_in_are_recognised(tmp_path, name):
    places, taken = _LAYOUTS[name]
    assert _seen(_load(_make(tmp_path, *places))) == (("cat", "dog"), taken)


def test_an_unlabelled_split_is_left_out_with_a_word(tmp_path, caplog):
    _load(_make(tmp_path, "train/cat/", "train/dog/", "test/"))
    assert "test/: 12 images are left out, for they are in no folder" in caplog.text


def test_a_class_without_labels_is_left_out_with_a_word(tmp_path, caplog):
    _load(_make(tmp_path, "train/cat/", "train/dog/", "train/unsup/", "test/cat/"))
    assert "train/unsup/: 12 images are left out" in caplog.text
    # Where nothing says otherwise it is a class.
    alone = _make(tmp_path / "alone", "train/cat/", "train/unsup/")
    assert _load(alone).labels.names == ("cat", "unsup")


def test_classes_with_folders_of_the_same_names_are_classes_when_told(tmp_path):
    _make(tmp_path, "sedan/2019/", "sedan/2020/", "truck/2019/", "truck/2020/")
    result = _load(tmp_path, folder_layout="classes")
    assert result.labels.names == ("sedan", "truck")
    # Of so many, none can be a split.
    _make(tmp_path, "bus/2019/", "bus/2020/", "van/2019/", "van/2020/")
    assert len(_load(tmp_path).labels.names) == 4


def test_classes_with_words_of_splits_in_them_are_classes(tmp_path):
    names = ["blood test/", "pregnancy test/", "steam train/", "freight train/2019/"]
    result = _load(_make(tmp_path, *names))
    assert result.labels.names == tuple(sorted(name.split("/")[0] for name in names))


def test_a_class_called_train_among_others_is_one_and_said(tmp_path, caplog):
    result = _load(_make(tmp_path, "bus/", "car/", "train/"))
    assert result.labels.names == ("bus", "car", "train")
    assert "train is taken for a class" in caplog.text


_QUESTIONS = {
    "flat splits": (
        ["train/", "test/"],
        ["As classes: test, train.", "the labels are missing", "--dataset=csv:"],
    ),
    "flat splits of other names": (
        ["train/", "test1/"],
        ["As classes: test1, train.", "the labels are missing"],
    ),
    "a flat training folder and one more": (
        ["train/", "sample/"],
        ["As classes: sample, train.", "the labels are missing"],
    ),
    "classes beside a test folder": (
        ["cat/", "dog/", "test/"],
        ["As classes: cat, dog, test.", "into a folder train beside test"],
    ),
    "classes of trains": (
        ["bus/city/", "train/steam/", "train/diesel/"],
        [
            "As classes: bus, train.",
            "train with the classes diesel, steam; left out: bus",
            "--folder_layout=splits",
        ],
    ),
    "splits within classes": (
        ["cat/train/", "cat/test/", "dog/train/"],
        ["As classes: cat, dog.", "test, train, each with cat, dog."],
    ),
    "splits called so in another language": (
        ["entrenamiento/cat/", "entrenamiento/dog/", "prueba/cat/", "prueba/dog/"],
        [
            "As classes: entrenamiento, prueba.",
            "entrenamiento, prueba, each with the classes cat, dog. Then call them "
            "train, validation, test.",
        ],
    ),
    "a training folder, and one of another name": (
        ["train/cat/", "train/dog/", "unlabelled/"],
        ["As classes: train, unlabelled.", "left out: unlabelled"],
    ),
}


@pytest.mark.parametrize("name", _QUESTIONS)
def test_what_can_be_read_in_two_ways_is_asked_with_both(tmp_path, name):
    places, said = _QUESTIONS[name]
    options = config.ImageOptions(dataset=f"folder:{_make(tmp_path, *places)}")
    for call in (tasks.check_dataset, tasks.load_splits):
        with pytest.raises(errors.DataError) as caught:
            call(options)
        for words in ("--folder_layout=classes", *said):
            assert words in str(caught.value)


def test_the_answer_to_the_question_decides(tmp_path):
    _make(tmp_path, "bus/city/", "train/steam/", "train/diesel/")
    classes = _load(tmp_path, folder_layout="classes")
    assert classes.labels.names == ("bus", "train")
    assert len(classes.train) == 36
    splits = _load(tmp_path, folder_layout="splits")
    assert splits.labels.names == ("diesel", "steam")
    assert len(splits.train) == 24


def test_splits_within_classes_are_read_when_asked_for(tmp_path):
    _make(tmp_path, "cat/train/", "cat/test/", "dog/train/", "dog/val/")
    assert _seen(_load(tmp_path, folder_layout="splits")) == (
        ("cat", "dog"),
        {
            "cat/train": TRAIN,
            "cat/test": TEST,
            "dog/train": TRAIN,
            "dog/val": VALIDATION,
        },
    )
    assert len(_load(tmp_path, folder_layout="classes").train) == 48


def test_splits_that_are_not_there_can_not_be_asked_for(tmp_path):
    _make(tmp_path, "cat/", "dog/")
    with pytest.raises(errors.DataError, match="expects a folder train.* cat, dog"):
        _load(tmp_path, folder_layout="splits")


def test_a_single_class_with_folders_in_it_is_not_taken_apart(tmp_path):
    _make(tmp_path, "rose/2019/", "rose/2020/")
    with pytest.raises(errors.DataError, match=r"2019, 2020\): --dataset=folder:.*/ro"):
        _load(tmp_path)


def test_wrappers_that_lead_in_a_circle_end(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "images").symlink_to(tmp_path / "images")
    with pytest.raises(errors.DataError):
        _load(tmp_path)
