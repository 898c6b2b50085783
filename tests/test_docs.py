"""Documents: what they name exists, and commands in them are understood."""

import ast
import functools
import importlib
import io
import json
import re
import shlex
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import kft
from kft import __main__ as kft_main
from kft import errors
from kft.cli import flags
from kft.cli.command import Command
from kft.run_folder.history import EpochRecord
from kft.run_folder.run_result import RunResult
from kft.training.monitoring import progress
from kft.workflows import run_summary
from tests.conftest import REPOSITORY, RunKft
from tests.test_layering import FOLDERS

ARCHITECTURE = "docs/architecture.md"
PAGES = (
    *(
        "images",
        "texts",
        "sounds",
        "speech",
        "stages",
        "settings",
        "distributed",
        "run_folder",
    ),
    *("serving", "python", "faq", "index", "install"),
)
DOCUMENTS = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", ARCHITECTURE),
    *("configs/README.md", "tools/BENCHMARKS.md", "SECURITY.md"),
    *(f"docs/{name}.md" for name in PAGES),
)
TEXTS = {name: (REPOSITORY / name).read_text() for name in DOCUMENTS}
# Comments and docstrings that show commands.
SHOWING = [*REPOSITORY.glob("configs/*.cfg"), *REPOSITORY.glob("tools/*.py")]
SHOWING += REPOSITORY.glob("kft/*.py")
# Stand for a file of the reader's.
PLACEHOLDERS = ("F", "my.cfg", "runs/photos/flags.cfg")
# Flags in running text that are of other programs, or stand for any.
OTHER_FLAGS = {"logdir", "hypothesis-profile", "name"}
OTHER_PROGRAMS = (
    *("pip", "docker", "-v", "curl", "srun", "#SBATCH", "if"),
    "tensorflowjs_converter",
)


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def _classes() -> dict[str, ast.ClassDef]:
    """Return the classes of kft by name; no two have one."""
    return {
        node.name: node
        for path in (REPOSITORY / "kft").rglob("*.py")
        for node in _tree(path).body
        if isinstance(node, ast.ClassDef)
    }


def _names(node: ast.Module | ast.ClassDef) -> set[str]:
    """Return what a module or a class has, in what it inherits from kft, too."""
    found: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            found.add(child.name)
        elif isinstance(child, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in child.names)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            found.add(child.id)
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    for base in bases:
        if isinstance(base, ast.Name) and base.id in _classes():
            found |= _names(_classes()[base.id])
    return found


def _exists(dotted: str) -> bool:
    """Return whether `kft.a.b.C.d` names something."""
    parts, path = dotted.split("."), REPOSITORY
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if parts and (path / f"{parts[0]}.py").is_file():
        path /= f"{parts.pop(0)}.py"
    else:
        path /= "__init__.py"
    if not parts:
        return path.is_file()
    tree = _tree(path)
    if parts[0] not in _names(tree):
        return False
    return len(parts) == 1 or parts[1] in _names(_classes()[parts[0]])


def _code(text: str) -> Iterator[str]:
    """Yield the pieces of code of a document, inline and in blocks."""
    blocks = r"^```\w*\n(.*?)^```"
    yield from re.findall(blocks, text, re.MULTILINE | re.DOTALL)
    without = re.sub(blocks, "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", without))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        target, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:")):
            continue
        path = (REPOSITORY / name).parent / target if target else REPOSITORY / name
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(link)
    assert broken == []


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", title.lower()) for title in titles)
    return {"-".join(title.split(" ")) for title in words}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_are_there(name: str) -> None:
    folders = r"(?:kft|tests|tools|configs|docs|\.ci)"
    paths = re.findall(rf"(?<![\w/.$-]){folders}/[\w./-]*", TEXTS[name])
    assert [p for p in paths if not (REPOSITORY / p.rstrip(".")).exists()] == []
    files = {path.name for path in REPOSITORY.glob("[kt]*/**/*.py")}
    named = re.findall(r"(?<![\w/])\w+\.py\b", TEXTS[name])
    assert [file for file in named if file not in files] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_names_of_python_are_there(name: str) -> None:
    dotted = re.findall(r"(?<![\w/.])kft(?:\.[A-Za-z_]\w*)+", TEXTS[name])
    assert [one for one in dotted if not _exists(one)] == []
    members = [
        (owner, member)
        for code in _code(TEXTS[name])
        for owner, member in re.findall(r"(?<![\w.])([A-Z]\w+)\.([a-z]\w+)", code)
        if owner in _classes()
    ]
    assert [m for m in members if m[1] not in _names(_classes()[m[0]])] == []


def test_the_architecture_has_the_layers_of_the_package() -> None:
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", TEXTS[ARCHITECTURE], re.MULTILINE)
    assert {package: int(layer) for layer, package in rows} == FOLDERS


def test_the_architecture_names_parts_of_the_protocols() -> None:
    section = TEXTS[ARCHITECTURE].split("\n## The task\n")[1]
    rows = re.findall(r"^\| `([A-Z]\w+)` \| (.*) \|$", section, re.MULTILINE)
    assert [owner for owner, _ in rows] == ["Inputs", "Objective", "Serving", "Display"]
    for owner, text in rows:
        assert set(re.findall(r"`(\w+)`", text)) <= _names(_classes()[owner])


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of code, those that go on in the next put together."""
    for code in _code(text):
        yield from code.replace("\\\n", " ").splitlines()


def _shown(path: Path) -> Iterator[str]:
    """Yield the indented commands of a comment or a docstring."""
    text = path.read_text().replace("\\\n", " ")
    yield from re.findall(
        r"^(?:#  )? +(?:\w+=\S+ )*(python (?:-m|tools).*)$", text, re.MULTILINE
    )


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command that is shown: what runs it, and its arguments."""
    lines = [line for text in TEXTS.values() for line in _lines(text)]
    lines += [line for path in SHOWING for line in _shown(path)]
    for line in lines:
        for part in re.split(r"&&|&\s*$|(?<= )# ", line):
            found = re.search(
                r"(?:^|\s)python (?:-m kft\.|tools/)|^kft (?=[a-z])", part
            )
            if not found or "$" in part[: found.start()]:
                continue
            program, *arguments = shlex.split(part[found.start() :].strip())
            if program == "python":
                program = arguments.pop(0)
                program = arguments.pop(0) if program == "-m" else program
            else:
                program = f"kft.{arguments.pop(0)}"
            yield program, arguments


COMMANDS = sorted({(program, *arguments) for program, arguments in _commands()})


def _command(program: str) -> Command:
    entry = kft_main.COMMANDS[program.removeprefix("kft.")]
    return importlib.import_module(entry.module).COMMAND


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c[0].startswith("kft.")], ids=" ".join
)
def test_commands_are_understood(command, monkeypatch, run_kft: RunKft) -> None:
    monkeypatch.chdir(REPOSITORY)
    program, *arguments = command
    if "--task=rising_steps" in arguments:
        registers = {"KFT_TASKS": "tests.tasks.rising_steps.register"}
        name = program.removeprefix("kft.")
        assert run_kft(name, *arguments, env=registers).returncode == 0
        return
    known = _command(program)
    mine = {
        f"--flagfile={name}": "--flagfile=configs/quickstart.cfg"
        for name in PLACEHOLDERS
    }
    given = [mine.get(argument, argument) for argument in arguments]
    if given and "--help" not in given:
        flags.parse(known.config, given, positional=known.positional)


@functools.cache
def _flags_of_tool(path: Path) -> frozenset[str]:
    return frozenset(
        node.args[0].value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_argument"
        and isinstance(node.args[0], ast.Constant)
    )


def test_tools_have_the_flags_that_are_shown() -> None:
    used = [command for command in COMMANDS if command[0].startswith("tools/")]
    assert len({program for program, *_ in used}) == len(
        list(REPOSITORY.glob("tools/*.py"))
    )
    for program, *arguments in used:
        named = {a.split("=")[0] for a in arguments if a.startswith("--")}
        assert named <= _flags_of_tool(REPOSITORY / program)


def _every_flag() -> set[str]:
    found = set(flags.SPECIAL) | OTHER_FLAGS
    for name in kft_main.COMMANDS:
        config = _command(name).config
        classes = flags.classes_of(config)
        for one in classes:
            found.update(flags.define(one))
        found.update(f"no{switch}" for switch in flags.switches(classes))
    for path in REPOSITORY.glob("tools/*.py"):
        found.update(flag.removeprefix("--") for flag in _flags_of_tool(path))
    # Of other programs, in running text.
    return found | {"pad_to", "platform"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_flags_in_running_text_are_there(name: str) -> None:
    lines = [
        line for line in TEXTS[name].splitlines() if not line.startswith(OTHER_PROGRAMS)
    ]
    named = re.findall(r"(?<![\w-])--([a-z][\w-]*)", "\n".join(lines))
    assert set(named) - _every_flag() == set()


def test_every_extra_is_in_the_table_of_what_is_installed() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    rows = re.findall(r"^\| `(\w+)` \|", TEXTS["docs/install.md"], re.MULTILINE)
    assert sorted(rows) == sorted(settings["project"]["optional-dependencies"])


def test_contributing_names_what_the_checks_run() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text()
    checks = script.split("pip install", 1)[1].splitlines()[1:]
    shown = set(_lines(TEXTS["CONTRIBUTING.md"]))
    lines = [line for line in checks if line.strip() and not line.startswith("#")]
    commands = [line.split(" <")[0] for line in lines]
    assert [c for c in commands if c.removesuffix(" --check") not in shown] == []


def _old_result() -> RunResult:
    folder = REPOSITORY / "tests/run_folder/old_run/run"
    content = json.loads((folder / "result.json").read_text())
    return RunResult.from_json(folder, content)


class _Model:
    """Answers as `FinetunedModel` does."""

    def predict(self, files: list[str]) -> list[types.SimpleNamespace]:
        content = {"predictions": [{"label": "rose", "probability": 0.9}]}
        return [types.SimpleNamespace(file=one, content=content) for one in files]


def test_the_python_that_is_shown_runs(monkeypatch, capsys) -> None:
    page = TEXTS["docs/python.md"]
    # The others train: tests/workflows/test_python_run.py.
    code, *_ = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    seen = []
    # Not `setattr`, which would import the real one, and TensorFlow with it.
    fakes = {
        "fine_tune": lambda config: seen.append(config) or _old_result(),
        "load": lambda path: seen.append(path) or _Model(),
    }
    for name, fake in fakes.items():
        monkeypatch.setitem(vars(kft), name, fake)
    exec(compile(code, "docs/python.md", "exec"), {})
    assert seen[0].run_dir == "runs/photos"
    assert seen[1] == _old_result().run_dir
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("0.")
    assert rows == ["rose.jpg rose", "tulip.jpg rose"]
    for name in re.findall(r"`result\.(?!json)(\w+)`", page):
        assert hasattr(_old_result(), name)


def test_lines_of_the_readme_look_as_a_run_prints_them() -> None:
    text = TEXTS["README.md"]
    names = re.findall(r"^epoch +(.*?)$", text, re.MULTILINE)
    found = re.findall(r"^(\w+) +(\d+)/(\d+)  (.*)$", text, re.MULTILINE)
    assert len(names) == 2 and len(found) == 4
    shown = []
    table = progress.EpochLines(80)
    for stage, epoch, count, values in found:
        given = re.sub(r" s(?= )|,|best", "", values).split()
        line: dict[str, Any] = dict(
            zip(names[0].split(), map(float, given), strict=True)
        )
        line |= {"stage": stage, "epoch": int(epoch), "epochs": int(count), "step": 0}
        line |= {"learning_rate": 0.0, "seconds": line.pop("time")}
        line |= {"examples_per_second": line.pop("examples/s")}
        line |= {"input_wait_fraction": None}
        record = EpochRecord.from_json(line)
        shown += table.of(record, is_best=values.endswith("best"))
    assert [line for line in shown if line not in text.splitlines()] == []
    console = Console(file=io.StringIO(), width=100)
    run_summary.show(console, _old_result(), evaluation=None, formats=())
    (titles,) = re.findall(r"^stage .*$", console.file.getvalue(), re.MULTILINE)
    assert titles.split() in [line.split() for line in TEXTS["README.md"].splitlines()]


def test_what_pip_knows_kft_by_is_the_name_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["name"] == errors.DISTRIBUTION
    every = [*REPOSITORY.glob("kft/**/*.py"), *REPOSITORY.glob("configs/*.cfg")]
    texts = [path.read_text("utf-8") for path in every] + list(TEXTS.values())
    found = re.compile(r"pip\s+install\s+'([\w-]+)\[([\w,]+)\]'")
    named = [one for text in texts for one in found.findall(text)]
    assert {name for name, _ in named} == {errors.DISTRIBUTION}
    extras = {extra for _, several in named for extra in several.split(",")}
    assert extras <= set(project["optional-dependencies"])
    own = project["optional-dependencies"]["dev"][0]
    assert own.startswith(f"{errors.DISTRIBUTION}[")
