"""Configs of commands about finished runs, whose fields have to go together."""

import pytest

from kft import errors
from kft.config import EvaluateConfig, ExportConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("csv_columns", ("text=review",)),
        ("jsonl_keys", ("text=review",)),
        ("tfrecord_features", ("label=stars",)),
        ("tfrecord_labels", "names.txt"),
        ("webdataset_members", ("label=json.stars",)),
        ("webdataset_labels", "names.txt"),
    ],
)
def test_what_data_are_called_is_about_other_data(
    name: str, value: tuple[str, ...] | str
) -> None:
    named = {name: value}
    assert EvaluateConfig(run_dir="r", data="csv:t.csv", **named).named == named
    with pytest.raises(errors.ConfigError, match=f"--{name} is about --data"):
        EvaluateConfig(run_dir="r", **named)


def test_a_temperature_is_not_fitted_to_views() -> None:
    with pytest.raises(errors.ConfigError, match="--calibrate with --tta=flip"):
        ExportConfig(run_dir="r", calibrate=True, tta="flip")
