"""Configs of commands about finished runs, whose fields have to go together."""

import pytest

from kft import errors
from kft.config import EvaluateConfig, ExportConfig


@pytest.mark.parametrize("name", ["csv_columns", "jsonl_keys"])
def test_names_of_columns_and_keys_are_about_other_data(name: str) -> None:
    named = {name: ("text=review",)}
    assert EvaluateConfig(run_dir="r", data="csv:t.csv", **named).data == "csv:t.csv"
    with pytest.raises(errors.ConfigError, match=f"--{name} is about --data"):
        EvaluateConfig(run_dir="r", **named)


def test_a_temperature_is_not_fitted_to_views() -> None:
    with pytest.raises(errors.ConfigError, match="--calibrate with --tta=flip"):
        ExportConfig(run_dir="r", calibrate=True, tta="flip")
