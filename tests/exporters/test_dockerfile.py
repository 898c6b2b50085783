"""The image of a server; no TensorFlow here but its version."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kft.exporters import dockerfile


def test_the_image_has_the_version_where_the_server_looks_for_it(
    tmp_path: Path,
) -> None:
    (name,), (text,) = zip(
        *dockerfile.beside("Flowers, 2nd try", tmp_path / "saved_model" / "3").items(),
        strict=True,
    )
    assert name == "Dockerfile"
    steps = [one for one in text.splitlines() if not one.startswith("#")]
    assert steps == [
        "FROM tensorflow/serving",
        "ENV MODEL_NAME=flowers-2nd-try",
        "COPY 3 /models/flowers-2nd-try/3",
    ]
    assert "docker build -t flowers-2nd-try ." in text


@given(st.text())
def test_any_run_has_a_name_that_servers_take(run: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", dockerfile.model_name(run))


@pytest.mark.parametrize(
    ("run", "expected"),
    [("flowers", "flowers"), ("日本", "model"), ("..", "model"), ("a_b.C", "a-b-c")],
)
def test_names_stay_readable(run: str, expected: str) -> None:
    assert dockerfile.model_name(run) == expected
