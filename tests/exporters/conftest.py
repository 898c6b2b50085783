import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kft.config import ExportConfig
from kft.evaluation import scores, trained
from kft.exporters import export_run


@dataclasses.dataclass(frozen=True)
class Exported:
    """A run with a SavedModel, and its network to compare with."""

    run: Path
    exports: tuple[export_run.Export, ...]
    network: trained.Trained

    @property
    def saved_model(self) -> Path:
        return self.run / "export" / "saved_model" / "1"

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return what the network says of uint8 [n, size, size, 3]."""
        return scores.softmax(self.network.model.predict_on_batch(images))


@pytest.fixture(scope="session")
def exported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    run = shutil.copytree(finished_run, tmp_path_factory.mktemp("exported") / "run")
    exports = export_run.export_run(ExportConfig(run_dir=str(run)))
    network = trained.load(str(run), precision="float32")
    return Exported(run, exports, network)


def encoded(name: str, *, height: int, width: int, seed: int) -> bytes:
    """Return a noisy picture in a format of Pillow."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, 3)
    pixels = colour + rng.normal(0, 40, (height, width, 3))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    content = io.BytesIO()
    image.save(content, name)
    return content.getvalue()
