"""The documentation as a site, and the Python that its pages show."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kft import __main__ as kft_main
from tests.conftest import REPOSITORY

BLOCK = re.compile(
    r"^```python\n(.*?)^```.*?prints `([^`]*)`", re.MULTILINE | re.DOTALL
)
TRAPS = BLOCK.findall((REPOSITORY / "docs" / "stages.md").read_text())


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    """Return docs/conf.py as a module."""
    path = REPOSITORY / "docs" / "conf.py"
    spec = importlib.util.spec_from_file_location("docs_conf", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_to_pages_of_the_site(conf: ModuleType) -> None:
    def shown(text: str) -> str:
        return conf.with_links_of_the_site(text, REPOSITORY)

    assert shown("[a](docs/faq.md#why-sgd)") == "[a](faq.md#why-sgd)"
    assert shown("[a](tools/BENCHMARKS.md)") == "[a](benchmarks.md)"
    assert shown("[a](README.md)") == "[a](index.md)"
    assert shown("[a](configs/reviews.cfg)") == "`a`"
    assert shown("[a](https://a.b/c.md)") == "[a](https://a.b/c.md)"


def test_every_command_has_its_flags(conf: ModuleType) -> None:
    page = conf.flags_page()
    for name in kft_main.COMMANDS:
        assert f"## kft {name}\n" in page
    assert "### --task=token_classification" in page
    assert "--stages=TEXT" in page


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo")
    # A copy: pages are written beside the sources.
    for name in ("docs", "configs", "tools"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    for path in REPOSITORY.glob("*.md"):
        shutil.copy(path, tmp_path)
    (tmp_path / "kft").symlink_to(REPOSITORY / "kft")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", "site"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    first = (tmp_path / "site" / "index.html").read_text()
    assert "Freezing is proved" in first and 'href="benchmarks.html"' in first


def test_the_traps_are_shown() -> None:
    assert [printed for _, printed in TRAPS] == ["moved: True", "moved: False"]


@pytest.mark.parametrize(("code", "printed"), TRAPS)
def test_keras_has_the_traps_that_are_shown(
    code: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(code, "docs/stages.md", "exec"), {})
    assert capsys.readouterr().out.strip() == printed
