"""The layers of the package, and the limits on its files."""

import ast
import collections
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "kft"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6
# Functions with more, and why.
MANY_PARAMETERS = {
    "training.run_context.build": "the fields of the value that it makes",
    "backbones.audio.log_mel.__init__": "the config of a Keras layer",
    "workflows.python_run.fine_tune": "all that a program may bring to a run",
}

# The layer of a folder below kft/; a file imports its own or lower layers only.
# Commands stand loose at the top; `kft/__init__.py` imports the public names when they
# are used, so it counts as edge.
FOLDERS = {
    "config": 0,
    "cli": 1,
    "run_folder": 2,
    "distribution": 1,
    "data": 1,
    "metrics": 1,
    "backbones": 1,
    "model": 2,
    "pages": 2,
    "auditing": 2,
    "tasks": 2,
    "training": 3,
    "evaluation": 4,
    "inference": 4,
    "reporting": 4,
    "exporters": 4,
    "search": 4,
    "lr_finder": 4,
    "workflows": 5,
}
COMMANDS = (
    *("train", "tune", "find_lr", "evaluate", "predict", "export"),
    *("demo", "report", "audit", "configs", "completion"),
)
LAYERS = {
    "": 6,
    "errors": 0,
    **FOLDERS,
    "backbones.__main__": 6,
    "__main__": 6,
    **dict.fromkeys(COMMANDS, 6),
}
# The ground floor computes nothing; the edge answers --help before TensorFlow starts.
WITHOUT_TENSORFLOW = (
    *("errors", "config", "cli", "run_folder", "workflows"),
    *COMMANDS,
)
STRATEGIES = {
    "MirroredStrategy",
    "MultiWorkerMirroredStrategy",
    "TPUStrategy",
    "OneDeviceStrategy",
    "CentralStorageStrategy",
    "ParameterServerStrategy",
}


def _name(path: Path) -> str:
    """Return the name of a module below kft, '' for kft itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {_name(path): path.read_text(encoding="utf-8") for path in FILES}
MODULES = {name: ast.parse(source) for name, source in SOURCES.items()}


def _layer(name: str) -> int | None:
    return LAYERS.get(name, LAYERS.get(name.split(".")[0]))


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full names that a module imports, also inside functions."""
    for node in ast.walk(tree):
        yield from _imported(node)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports_at_start(tree: ast.Module) -> Iterator[str]:
    """Yield the names that are imported when the module is."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        yield from _imported(node)
        waiting += ast.iter_child_nodes(node)


def _modules_of_kft(names: Iterator[str]) -> Iterator[str]:
    """Yield the modules below kft that imported names stand for."""
    for full in names:
        if full.split(".")[0] != "kft":
            continue
        name = full.removeprefix("kft").removeprefix(".")
        while name not in MODULES:
            name = name.rpartition(".")[0]
        yield name


def test_every_file_has_a_layer() -> None:
    assert [name for name in MODULES if _layer(name) is None] == []


def test_files_import_their_own_or_lower_layers_only() -> None:
    upward = [
        f"{name} -> {imported}"
        for name, tree in MODULES.items()
        if name  # kft itself hands out names of higher layers when they are used
        for imported in _modules_of_kft(_imports(tree))
        if imported and _layer(imported) > _layer(name)
    ]
    assert upward == []


def test_relative_imports_are_not_used() -> None:
    relative = [
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def _reached_at_start(name: str) -> Iterator[str]:
    """Yield what importing a module imports, through all modules of kft."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        # The packages above a module are imported with it.
        waiting += [module.rpartition(".")[0]] if module else []
        names = list(_imports_at_start(MODULES[module]))
        yield from names
        waiting += _modules_of_kft(iter(names))


TASK_FOLDERS = [_name(path) for path in (PACKAGE / "tasks").glob("*/__init__.py")]
# What is imported before the flags are known to be right.
QUICK = [name for name in MODULES if name.split(".")[0] in (*WITHOUT_TENSORFLOW, "")]
QUICK += ["__main__", "backbones.__main__", "training.preflight", "data"]
# Half of a task is known before TensorFlow starts, and an audit runs without it.
QUICK += [name for name in MODULES if name.split(".")[0] == "auditing"]
QUICK += ["tasks", *TASK_FOLDERS, "tasks.image_classification.image_audit"]


@pytest.mark.parametrize("name", QUICK)
def test_ground_floor_and_edge_do_not_start_tensorflow(name: str) -> None:
    started = {full.split(".")[0] for full in _reached_at_start(name)}
    slow = {"tensorflow", "keras", "tensorflow_datasets", "keras_tuner"}
    assert started & slow == set()


def test_a_python_that_imports_the_edge_has_no_tensorflow() -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {QUICK!r}:\n"
        "    importlib.import_module(f'kft.{name}'.rstrip('.'))\n"
        "found = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in FILES
        if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{name}.{node.name}": lines
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and (lines := node.end_lineno - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_functions_have_few_parameters() -> None:
    many = {
        f"{name}.{node.name}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and _count_parameters(node.args) > MAX_PARAMETERS
    }
    assert many == set(MANY_PARAMETERS)


def _count_parameters(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(one.arg not in ("self", "cls") for one in named)


def test_only_the_search_imports_keras_tuner() -> None:
    importers = {
        name
        for name, tree in MODULES.items()
        if any(full.split(".")[0] == "keras_tuner" for full in _imports(tree))
    }
    assert importers <= {"search.tuner", "search.oracles"}


def test_only_runtime_makes_strategies() -> None:
    makers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in STRATEGIES
    }
    assert makers <= {"distribution.runtime"}


# What knows one kind of data: its operations and backbones, its tasks, their options.
KINDS = ("image", "text", "audio")
HOMES = (
    *(
        f"{folder}.{kind}"
        for folder in ("data", "backbones", "config")
        for kind in KINDS
    ),
    "config.speech",
    *TASK_FOLDERS,
    "config.augmentations",
)
# Words of one kind of data. Text is left out: files and messages are made of it too.
WORDS = {"image", "picture", "pixel", "token", "tokenizer", "audio", "wave", "waveform"}
WORDS |= {"speech", "spectrogram", "sound", "speaker", "soxr", "mel"}
# Where such words may stand nevertheless, and why.
EXCEPTIONS = {
    "tasks": ("image audio token speech", "the table of tasks"),
    "backbones.__main__": (
        "image pixel audio sound spectrogram token speech",
        "shows the tables of all",
    ),
    "config": ("image audio token speech", "hands out all configs"),
    "": ("audio token speech", "hands out the configs of all tasks"),
    "config.run": ("image", "the default task, whose options need no --task"),
    "config.data": ("image", "names the default task, and its features of TFRecords"),
    "data.sources.folder_layout": ("image picture", "names that folders have"),
    "data.sources.split_words": ("image", "a name that a folder has"),
    "data.sources.unused_columns": ("speaker", "a name that a column has"),
    "config.audit_options": ("image", "near_bits is an option about images"),
    "__main__": ("image", "a line of help"),
    "audit": ("image", "a page of help"),
    "demo": ("image", "a page of help"),
    "predict": ("image", "a page of help"),
    "tasks.task_kind": ("image pixel", "an example in a docstring"),
    "tasks.serving_texts": ("image", "an example in a docstring"),
    "training.auto.recipe": ("image", "the title of a paper"),
    "distribution.runtime": ("image", "keras.config.set_image_data_format"),
    "reporting.confusion": ("image", "a drawing within a page, as a data URL"),
    "reporting.tensorboard": ("image", "tf.summary.image, for a drawing"),
    "cli.flag_hints": ("image", "how other programs call --image_size"),
    "evaluation.other_data": ("image", "the attribute for bad_images.csv"),
    "run_folder.run_dir": ("image", "bad_images.csv has had its name from the start"),
    "run_folder.history": ("image", "what was written before examples_per_second"),
    "training.skip_bad_examples": ("image", "bad_images.csv"),
}
# Packages that read or change data of one kind.
LIBRARIES = {
    "PIL",
    "imagehash",
    "tokenizers",
    "sentencepiece",
    "soundfile",
    "soxr",
    "jiwer",
    "librosa",
}
# Tables of what there is of each kind.
TABLES = {"backbones.__main__", "tasks", "config", "config.run"}
TABLES |= {"config.audit_options"}


def _outside() -> Iterator[str]:
    """Yield the modules that may know no kind of data."""
    for name in MODULES:
        if not any(name == home or name.startswith(f"{home}.") for home in HOMES):
            yield name


def _words(text: str) -> set[str]:
    """Return the words of a text in small letters: two of image_size and ImageSizes."""
    found = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)
    return {word.lower().removesuffix("s") for word in found}


def _allowed(name: str) -> set[str]:
    words, _ = EXCEPTIONS.get(name, ("", ""))
    return set(words.split())


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in collections.Counter(names).items() if count > 1]


def test_no_two_files_have_one_name() -> None:
    names = [path.name for path in FILES if not path.name.startswith("__")]
    assert _repeated(names) == []


def test_no_two_classes_have_one_name() -> None:
    names = [
        node.name
        for tree in MODULES.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    assert _repeated(names) == []


def test_words_of_a_kind_of_data_stay_with_it() -> None:
    strays = {
        name: words
        for name in _outside()
        if (words := (_words(SOURCES[name]) & WORDS) - _allowed(name))
    }
    assert strays == {}


def test_an_exception_is_there_as_long_as_it_is_needed() -> None:
    unneeded = {
        name: words
        for name in EXCEPTIONS
        if (words := _allowed(name) - _words(SOURCES.get(name, "")))
    }
    assert unneeded == {}


def test_operations_on_a_kind_of_data_are_imported_by_it_alone() -> None:
    strays = [
        f"{name} -> {full}"
        for name in _outside()
        for full in _imports(MODULES[name])
        if full.split(".")[0] in LIBRARIES
        or (
            name not in TABLES
            and any(f"{full}.".startswith(f"kft.{home}.") for home in HOMES)
        )
    ]
    assert strays == []
