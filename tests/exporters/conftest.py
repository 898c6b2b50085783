import contextlib
import dataclasses
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kft.config import ExportConfig, TrainConfig, stages
from kft.evaluation import load_run
from kft.exporters import export_run, parity
from kft.metrics import scores
from kft.model.network import Network
from kft.tasks.image_classification import image_classification
from kft.training import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests.conftest import Once

COLOURS = ("cyan", "magenta", "yellow")
SIZE = 64


@dataclasses.dataclass(frozen=True)
class Exported:
    """A run with a SavedModel, and its network to compare with."""

    run: Path
    exports: tuple[export_run.Export, ...]
    network: load_run.LoadedRun

    @property
    def saved_model(self) -> Path:
        return self.run / "export" / "saved_model" / "1"

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return what the network says of uint8 [n, size, size, 3]."""
        return scores.softmax(self.network.model.predict_on_batch(images))


def _small_network(task: image_classification.ImageClassification, weights=None):
    """Return what makes converters work, and no more: all the kinds of layers.

    One constant is large enough for float16; kernel and bias of the depthwise
    convolution are small.
    """
    keras.utils.set_random_seed(0)
    layers = keras.layers
    images = keras.Input((SIZE, SIZE, 3), name="images")
    x = layers.Rescaling(1 / 127, -1, name="scaling")(images)
    x = layers.Conv2D(16, 3, strides=2, padding="same", name="stem")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="block_1_depthwise")(x)
    x = layers.BatchNormalization(name="block_1_bn")(x)
    x = layers.ReLU(6.0, name="block_1_relu")(x)
    x = layers.Conv2D(256, 3, strides=4, name="block_1_project")(x)
    x = layers.Dropout(0.2, name="head_dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pooling")(x)
    logits = layers.Dense(len(task.labels), dtype="float32", name="logits")(x)
    return Network(
        model=keras.Model(images, logits, name="small"),
        blocks=stages.Blocks(("block_1",), ()),
        anchors={"block_1": "stem"},
        head_anchor="pooling",
    )


@contextlib.contextmanager
def _small() -> Iterator[None]:
    """Give every run the small network, and measure speeds in no time."""
    with pytest.MonkeyPatch.context() as patch:
        task = image_classification.ImageClassification
        patch.setattr(task, "network", _small_network)
        patch.setattr(parity, "_SECONDS", 0.02)
        yield


@pytest.fixture(scope="module", autouse=True)
def _small_everywhere() -> Iterator[None]:
    with _small():
        yield


@pytest.fixture(scope="session")
def small_run(once: Once) -> Path:
    """Return the folder of a finished run of a small network, not to be changed.

    Three colours in `images` beside it, 18 of 60 validate. It is often wrong.
    """
    return once("small", _train_small) / "run"


def _train_small(folder: Path) -> None:
    for number in range(60):
        path = folder / "images" / COLOURS[number // 20] / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded("JPEG", height=90, width=80, seed=number))
    with _small():
        fine_tune.fine_tune(
            TrainConfig(
                dataset=f"folder:{folder / 'images'}",
                validation_fraction=0.4,
                backbone="MobileNet",
                weights="none",
                image_size=SIZE,
                stages="head:2@1e-2",
                batch_size=7,
                run_dir=str(folder / "run"),
            ),
            reporter=SilentReporter(),
        )


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """Return a copy of the small run that a test may change."""
    return shutil.copytree(small_run, tmp_path / "run")


@pytest.fixture(scope="session")
def exported(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    run = shutil.copytree(small_run, tmp_path_factory.mktemp("exported") / "run")
    with _small():
        exports = export_run.export_run(ExportConfig(run_dir=str(run)))
        network = load_run.load(str(run), precision="float32")
    return Exported(run, exports, network)


def encoded(name: str, *, height: int, width: int, seed: int) -> bytes:
    """Return a noisy image in a format of Pillow."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, 3)
    pixels = colour + rng.normal(0, 40, (height, width, 3))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    content = io.BytesIO()
    image.save(content, name)
    return content.getvalue()
