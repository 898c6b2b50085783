"""Lines and stages of this version and of older ones, there and back."""

import json

import hypothesis
from hypothesis import strategies as st

from kft.run_folder.history import EpochRecord, StageResult

_FIGURES = st.dictionaries(
    st.sampled_from(["loss", "accuracy", "f1"]),
    st.floats(allow_nan=False, allow_infinity=False),
)
# Training may diverge within an epoch.
_TRAIN_FIGURES = st.dictionaries(
    st.sampled_from(["loss", "accuracy", "f1"]), st.floats(allow_nan=False)
)
OLD_LINE = {
    "stage": "head",
    "epoch": 1,
    "epochs": 2,
    "step": 10,
    "loss": 0.5,
    "accuracy": 0.75,
    "val_loss": None,
    "val_accuracy": None,
    "learning_rate": 0.01,
    "seconds": 1.5,
    "images_per_second": 20.0,
    "input_wait_fraction": 0.1,
}


@hypothesis.given(train=_TRAIN_FIGURES, validation=_FIGURES)
def test_a_line_comes_back_from_json(train, validation):
    record = EpochRecord(
        stage="head",
        epoch=1,
        epochs=3,
        step=7,
        train=train,
        validation=validation,
        learning_rate=0.1,
        seconds=2.0,
        examples_per_second=3.0,
        input_wait_fraction=None,
    )
    assert EpochRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


@hypothesis.given(validation=_FIGURES, averaged=st.sampled_from([(), (1, 3)]))
def test_a_stage_comes_back_from_json(validation, averaged):
    result = StageResult(
        name="top2",
        epochs=3,
        seconds=2.0,
        examples_per_second=3.0,
        input_wait_fraction=0.5,
        trainable_parameters=9,
        cached=True,
        best_epoch=2,
        validation=validation,
        averaged_epochs=averaged,
    )
    entry = json.loads(json.dumps(result.to_json()))
    assert StageResult.from_json(entry) == result
    assert result.best == ("1+3" if averaged else "2")
    del entry["averaged_epochs"]
    assert StageResult.from_json(entry).averaged_epochs == ()


def test_a_line_of_an_older_version_is_read():
    record = EpochRecord.from_json(OLD_LINE)
    assert record.examples_per_second == 20.0
    assert record.train == {"loss": 0.5, "accuracy": 0.75}
    assert record.validation == {}


def test_a_line_without_validation_names_its_figures_all_the_same():
    line = EpochRecord.from_json(OLD_LINE).to_json()
    assert line["val_loss"] is None and line["val_accuracy"] is None


@hypothesis.given(validation=_FIGURES)
def test_epoch_0_comes_back_from_json(validation):
    record = EpochRecord.untrained(stage="head", epochs=3, validation=validation)
    line = json.loads(json.dumps(record.to_json()))
    assert EpochRecord.from_json(line) == record
    assert all(line[name] is None for name in validation)
    assert not record.has_trained
