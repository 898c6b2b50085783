"""Whether kft works with versions that `pyproject.toml` does not allow yet.

  python tools/check_upgrade.py keras
  python tools/check_upgrade.py --pre tensorflow
  python tools/check_upgrade.py --tests="tests/backbones tests/model" keras

Installs kft as pyproject.toml has it into a new environment, and then the newest
version of each package that is named, whatever the bounds say. Then it trains
configs/quickstart.cfg and runs the tests. It ends with what broke, by file, and exit
code 1. Where the index has nothing newer there is nothing to try.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

REPOSITORY = Path(__file__).parent.parent
_QUICKSTART = ("--flagfile=configs/quickstart.cfg", "--assert_accuracy_at_least=0.97")
_VERSIONS = (
    "import sys; from importlib.metadata import version; "
    "print(*map(version, sys.argv[1:]))"
)


def main() -> None:
    """Install, upgrade, try, and print what broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="+", help="to be upgraded, such as keras")
    parser.add_argument("--pre", action="store_true", help="release candidates, too")
    parser.add_argument(
        "--tests",
        default="",
        help="what pytest runs in place of the first tier: paths and options",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kft-upgrade-") as folder:
        python = _environment(Path(folder))
        before = _versions(python, arguments.packages)
        pre = ["--pre"] if arguments.pre else []
        _run(
            [*_pip(python), "install", "--upgrade", *pre, *arguments.packages],
            check=True,
        )
        after = _versions(python, arguments.packages)
        for name in arguments.packages:
            print(f"{name}: {before[name]} -> {after[name]}", flush=True)
        if before == after:
            print("The index has nothing newer than what pyproject.toml allows.")
            return
        broken = _tried(python, Path(folder), shlex.split(arguments.tests))
    named = ", ".join(f"{name} {version}" for name, version in after.items())
    if broken:
        sys.exit("\n".join([f"{named} broke:", *broken]))
    print(f"Nothing broke with {named}.")


def _environment(folder: Path) -> str:
    """Return the interpreter of a new environment with kft and what it is tested by."""
    place = folder / "environment"
    venv.create(place, with_pip=True)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = str(place / scripts / "python")
    _run([*_pip(python), "install", "-e", ".[dev]"], check=True)
    return python


def _tried(python: str, folder: Path, tests: Sequence[str]) -> list[str]:
    """Return what broke, a line each."""
    broken = []
    train = [python, "-m", "kft.train", *_QUICKSTART, f"--run_dir={folder / 'run'}"]
    if code := _run(train):
        broken.append(f"configs/quickstart.cfg: exit code {code}, see above")
    report = folder / "tests.xml"
    code = _run([python, "-m", "pytest", "-q", f"--junit-xml={report}", *tests])
    found = failures(report.read_text()) if report.exists() else []
    if code and not found:
        found = [f"tests: pytest ended with code {code}, see above"]
    return broken + found


def failures(report: str) -> list[str]:
    """Return a line for each module of tests in which some failed.

    It has how many failed of how many, and how the first of them did.

    Args:
        report: what pytest writes for `--junit-xml`.
    """
    cases: dict[str, list[ElementTree.Element]] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        # A module that cannot be imported has no class: its name is the module's.
        module = case.get("classname") or case.get("name", "")
        cases.setdefault(module, []).append(case)
    lines = []
    for module, all_of_it in cases.items():
        failed = [
            part
            for case in all_of_it
            for part in (case.find("failure"), case.find("error"))
            if part is not None
        ]
        if failed:
            count = f"{len(failed)} of {len(all_of_it)} failed"
            lines.append(f"{module}: {count}: {_reason(failed[0])}")
    return lines


def _reason(failed: ElementTree.Element) -> str:
    """Return the first line that pytest marks as the error, else its message."""
    marked = [line[1:] for line in (failed.text or "").splitlines() if line[:2] == "E "]
    return (marked or [failed.get("message", "")])[0].strip()


def _versions(python: str, packages: Sequence[str]) -> Mapping[str, str]:
    done = subprocess.run(
        [python, "-c", _VERSIONS, *packages],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(packages, done.stdout.split(), strict=True))


def _pip(python: str) -> list[str]:
    return [python, "-m", "pip", "--quiet"]


def _run(command: Sequence[str], *, check: bool = False) -> int:
    """Run a command in the repository, and return its exit code."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    # What pytest and pip install is found by name, too: ruff, kft.
    scripts = str(Path(command[0]).parent)
    environment["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, check=check
    ).returncode


if __name__ == "__main__":
    main()
