"""What tests share: a quiet TensorFlow, images, and commands in real processes."""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# Before anything imports TensorFlow. Results are compared bit by bit and with figures
# measured on CPUs, so a GPU is used only where CUDA_VISIBLE_DEVICES asks for it.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

REPOSITORY = Path(__file__).parent.parent
SLOW_IMPORTS = ("tensorflow", "keras", "matplotlib", "scipy", "sklearn")
COLOURS = {"cyan": (0, 255, 255), "magenta": (255, 0, 255), "yellow": (255, 255, 0)}

# The same inputs in every run; `pytest --hypothesis-profile=fuzz` looks for new ones.
hypothesis.settings.register_profile("kft", deadline=None, derandomize=True)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=20_000)
hypothesis.settings.load_profile("kft")

RunKft = Callable[..., subprocess.CompletedProcess[str]]
Once = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process ends on one alone."""
    long = {
        item.path
        for item in items
        if item.get_closest_marker("slow") or item.get_closest_marker("integration")
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported: it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Return a function that fills a folder once for all processes of the suite.

    `once(name, fill)` returns the folder, which is not to be changed. The process that
    asks first calls `fill(folder)`, the others wait for it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The processes of pytest-xdist have folders of their own in this one.
        shared = shared.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared data, or skip: it is not part of the repository."""
    path = Path(os.environ.get("KFT_SHARED", REPOSITORY.parent / "shared"))
    if not path.is_dir():
        pytest.skip(f"no shared data: {path} does not exist (set KFT_SHARED)")
    return path


@pytest.fixture(scope="session")
def run_kft() -> RunKft:
    """Return a function that runs a command of kft in a process of its own.

    `run_kft("train", "--batch_size=3", cwd=..., env=..., timeout=...)`; `env` is added
    to this process' environment, `timeout` is in seconds.
    """

    def run(
        command: str,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 300.0,
    ) -> subprocess.CompletedProcess[str]:
        paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        # Processes of pytest-xdist say 80, to whatever writes to a file as well.
        own = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        return subprocess.run(
            [sys.executable, "-m", f"kft.{command}", *map(str, arguments)],
            cwd=cwd,
            env={**own, "PYTHONPATH": os.pathsep.join(paths), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def nothing_heavy(once: Once) -> Mapping[str, str]:
    """Return an environment for `run_kft` in which what imports slowly cannot be had.

    A command that only reads its flags is quick because it does without these: a fact,
    where seconds would tell of the machine.
    """

    def forbid(folder: Path) -> None:
        for name in SLOW_IMPORTS:
            message = f"{name} was imported by what has to be quick"
            (folder / f"{name}.py").write_text(f"raise SystemExit({message!r})\n")

    folder = once("nothing_heavy", forbid)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)])}


@pytest.fixture
def browser() -> Iterator[object]:
    """Give a real browser, as playwright drives it; skip where none is installed."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium and no google-chrome is installed")
    with playwright.sync_playwright() as running:
        # A microphone that beeps, and that pages may use.
        microphone = ("device-for-media-stream", "ui-for-media-stream")
        args = ["--no-sandbox", *(f"--use-fake-{part}" for part in microphone)]
        found = running.chromium.launch(executable_path=path, args=args)
        yield found
        found.close()


@pytest.fixture
def solid_colours(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes images of three colours, one folder each.

    `solid_colours(per_class=20, shuffled=False, size=64)`; images are JPEGs of `size`
    pixels a side with slight noise. `shuffled` deals the same images out over the
    folders at random, so that there is nothing to learn.
    """

    def write(*, per_class: int = 20, shuffled: bool = False, size: int = 64) -> Path:
        folder = tmp_path / ("shuffled_colours" if shuffled else "colours")
        names = [name for name in COLOURS for _ in range(per_class)]
        rng = np.random.default_rng(0)
        labels = rng.permutation(names) if shuffled else names
        for number, (colour, label) in enumerate(zip(names, labels, strict=True)):
            path = folder / str(label) / f"{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_jpeg(path, COLOURS[colour], size=size, rng=rng)
        return folder

    return write


@pytest.fixture(scope="session")
def finished_run(once: Once) -> Path:
    """Return the folder of a run that everything after training can start from.

    Three noisy colours beside it in `images`; 18 of 60 validate, in batches of 7. It
    has trained so little that it is often wrong and never sure. Not to be changed:
    tests that do, do it to a copy.
    """
    return once("finished", _train_on_colours) / "run"


def _train_on_colours(folder: Path) -> None:
    from kft.config import TrainConfig
    from kft.training import fine_tune

    rng = np.random.default_rng(0)
    for number in range(60):
        name = sorted(COLOURS)[number // 20]
        path = folder / "images" / name / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_jpeg(path, COLOURS[name], size=90, rng=rng, noise=60)
    fine_tune.fine_tune(
        TrainConfig(
            dataset=f"folder:{folder / 'images'}",
            validation_fraction=0.4,
            backbone="EfficientNetLite0",
            image_size=64,
            stages="head:1@1e-3",
            batch_size=7,
            run_dir=str(folder / "run"),
        )
    )


def _write_jpeg(
    path: Path,
    colour: tuple[int, int, int],
    *,
    size: int,
    rng: np.random.Generator,
    noise: float = 8,
) -> None:
    from PIL import Image

    noisy = np.array(colour) + rng.normal(0, noise, size=(size, size, 3))
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path, quality=95)
