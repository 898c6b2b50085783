"""The scripts beside the package: what they call of kft is there, and takes that."""

import ast
import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

TOOLS = sorted((REPOSITORY / "tools").glob("*.py"))


def _imported(tree: ast.Module) -> dict[str, Any]:
    """Return what a script imports of kft, by the name that it has there.

    Raises:
        ImportError: for what is not there.
    """
    found = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module.split(".")[0] == "kft":
            scope: dict[str, Any] = {}
            names = ", ".join(ast.unparse(alias) for alias in node.names)
            exec(f"from {node.module} import {names}", scope)
            found.update(
                {a.asname or a.name: scope[a.asname or a.name] for a in node.names}
            )
    return found


def _uses(tree: ast.Module, imported: dict[str, Any]) -> Iterator[tuple[ast.Call, Any]]:
    """Yield the calls of what is imported, and what is called.

    Raises:
        AttributeError: for an attribute that a module of kft has not.
    """
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and inspect.ismodule(imported.get(node.value.id))
        ):
            getattr(imported[node.value.id], node.attr)
        if not isinstance(node, ast.Call):
            continue
        owner, *attributes = ast.unparse(node.func).split(".")
        if owner in imported and len(attributes) < 2:
            called = imported[owner]
            yield node, getattr(called, *attributes) if attributes else called


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: path.stem)
def test_a_tool_calls_kft_as_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for call, called in _uses(tree, _imported(tree)):
        names = [keyword.arg for keyword in call.keywords]
        is_plain = None not in names and not any(
            isinstance(argument, ast.Starred) for argument in call.args
        )
        if is_plain:
            given = dict.fromkeys(filter(None, names))
            try:
                inspect.signature(called).bind(*call.args, **given)
            except TypeError as error:
                pytest.fail(f"line {call.lineno}, {ast.unparse(call.func)}: {error}")


def test_what_an_upgrade_broke_is_named_by_module(tmp_path: Path) -> None:
    path = REPOSITORY / "tools" / "check_upgrade.py"
    spec = importlib.util.spec_from_file_location("check_upgrade", path)
    check_upgrade = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check_upgrade)
    for name, text in {
        "works": "def test_a(): pass",
        "half": "def test_a(): pass\ndef test_b(): raise ValueError('one\\ntwo')",
        "gone": "import no_such_package",
    }.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    report = tmp_path / "tests.xml"
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        "/dev/null",
        f"--rootdir={tmp_path}",
    ]
    options = ["-p", "no:xdist", "--continue-on-collection-errors"]
    done = subprocess.run(
        [*run, *options, f"--junit-xml={report}", tmp_path],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    gone, half = check_upgrade.failures(report.read_text())
    missing = "ModuleNotFoundError: No module named 'no_such_package'"
    assert gone == f"test_gone: 1 of 1 failed: {missing}"
    assert half == "test_half: 1 of 2 failed: ValueError: one"
