"""What is built of the package, and that it does without a clone."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from hatchling import build as backend

import kft
from tests.conftest import REPOSITORY

CONFIGS = sorted(path.name for path in (REPOSITORY / "configs").glob("*.cfg"))
LINK = re.compile(r"\]\(([^)]*)\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a wheel and an sdist of the repository."""
    folder = tmp_path_factory.mktemp("dist")
    before = os.getcwd()
    os.chdir(REPOSITORY)
    try:
        return tuple(
            folder / build(str(folder))
            for build in (backend.build_wheel, backend.build_sdist)
        )
    finally:
        os.chdir(before)


def test_the_wheel_has_the_package_and_the_configs(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        described = wheel.read(metadata).decode()
    tracked = [
        path
        for path in (REPOSITORY / "kft").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    expected = {str(path.relative_to(REPOSITORY)) for path in tracked}
    expected |= {f"kft/config/shipped/{name}" for name in [*CONFIGS, "README.md"]}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert "Author: The kft authors" in described
    assert "Keywords: " in described
    _, _, readme = described.partition("\n\n")
    assert "Freezing is proved" in readme and "stages and freezing" in readme
    assert [to for to in LINK.findall(readme) if not to.startswith("http")] == []


def test_the_sdist_has_what_belongs_to_the_project(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"):
        assert name in names
    assert {"CITATION.cff", "README.md", "hatch_build.py"} <= names
    for folder in ("configs", "docs", "notebooks", "tests", "tools"):
        files = [p for p in (REPOSITORY / folder).rglob("*") if p.is_file()]
        kept = [p for p in files if "__pycache__" not in p.parts]
        assert {str(p.relative_to(REPOSITORY)) for p in kept} <= names


def test_away_from_a_clone_a_config_has_a_name(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(tmp_path / "site")
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "kft", "train", "--flagfile=kft:quickstart", "--lr=1"],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # The flags of the config are known by now, and the one that is none is refused.
    assert done.returncode == 2
    assert "--lr" in done.stderr and "kft:" not in done.stderr


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert cited["version"] == kft.__version__
    assert cited["license"] == "Apache-2.0"


def test_the_workflow_tries_every_python_that_the_package_allows() -> None:
    path = REPOSITORY / ".github" / "workflows" / "checks.yml"
    jobs = yaml.safe_load(path.read_text())["jobs"]
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    first, end = re.findall(r"3\.(\d+)", settings["project"]["requires-python"])
    expected = [f"3.{minor}" for minor in range(int(first), int(end))]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == expected
    # What it runs is what `.ci/run` runs.
    checks = (REPOSITORY / ".ci" / "run").read_text()
    for job in ("lint", "tests"):
        for step in jobs[job]["steps"]:
            command = step.get("run")
            assert command is None or command in checks.replace("--quiet ", "")
