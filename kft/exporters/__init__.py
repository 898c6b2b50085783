"""Exports: what leaves a run, and the proof that it answers as the network does.

Importing this package does not import TensorFlow.
"""

import dataclasses
import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Literal

from kft import errors

# How weights and arithmetic are made smaller; `none` keeps float32.
Quantize = Literal["none", "float16", "dynamic", "int8"]


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What an export has to reach, against the network it is made from.

    Attributes:
        largest_difference: of any probability; None for no limit.
        top1_agreement: share of images with the same class.
    """

    largest_difference: float | None
    top1_agreement: float = 0.0


@dataclasses.dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        module: has `write(served, path, quantize)`.
        takes: `bytes` where the export decodes encoded images itself; `pixels` where
            it takes uint8 [n, size, size, 3].
        ending: of its file; None where it is a folder, which then gets the next number.
        bars: what it has to reach, for each way to quantize that it knows.
        packages: what has to be importable, besides what kft needs in any case.
        runner: the one of them that runs the export; None where TensorFlow does.
        extra: the extra of kft that installs them.
    """

    module: str
    takes: Literal["bytes", "pixels"]
    ending: str | None
    bars: Mapping[Quantize, Tolerance]
    packages: tuple[str, ...] = ()
    runner: str | None = None
    extra: str | None = None

    def load(self) -> ModuleType:
        """Return the module; it imports what the format needs."""
        return importlib.import_module(self.module)


EXPORTERS = {
    "saved_model": Exporter(
        "kft.exporters.saved_model",
        takes="bytes",
        ending=None,
        bars={"none": Tolerance(1e-5)},
    ),
    "litert": Exporter(
        "kft.exporters.litert",
        takes="pixels",
        ending=".tflite",
        bars={
            "none": Tolerance(1e-4),
            "float16": Tolerance(1e-2),
            "dynamic": Tolerance(None, top1_agreement=0.97),
            "int8": Tolerance(None, top1_agreement=0.97),
        },
        packages=("ai_edge_litert",),
        runner="ai_edge_litert",
        extra="litert",
    ),
    "onnx": Exporter(
        "kft.exporters.onnx",
        takes="pixels",
        ending=".onnx",
        bars={"none": Tolerance(1e-4)},
        packages=("onnx", "onnxruntime", "tf2onnx"),
        runner="onnxruntime",
        extra="onnx",
    ),
}


def check(formats: Iterable[str], quantize: Quantize = "none") -> None:
    """Check that the formats exist and can be written here.

    Raises:
        errors.ConfigError: naming the formats that exist, or what to install.
    """
    formats = tuple(formats)
    for name in formats:
        if name not in EXPORTERS:
            raise errors.ConfigError(
                f"There is no export format {name!r} (--export of kft.train, where "
                "--export= is for none; --formats of kft.export). "
                f"{errors.closest(name, EXPORTERS, most=len(EXPORTERS))}"
            )
        _check_packages(name, EXPORTERS[name].packages)
    if not any(quantize in EXPORTERS[name].bars for name in formats) and formats:
        able = [name for name, one in EXPORTERS.items() if quantize in one.bars]
        raise errors.ConfigError(
            f"--quantize={quantize}: none of the formats {', '.join(formats)} can do "
            f"it. Possible with: {', '.join(able)}."
        )


def check_runner(name: str) -> None:
    """Check that exports of a format can be run here; raises ConfigError."""
    runner = EXPORTERS[name].runner
    if runner is not None:
        _check_packages(name, (runner,))


def _check_packages(name: str, packages: Iterable[str]) -> None:
    missing = [one for one in packages if not importlib.util.find_spec(one)]
    if missing:
        raise errors.ConfigError(
            f"The format {name} needs {', '.join(missing)}: "
            f"pip install 'kft[{EXPORTERS[name].extra}]'"
        )
