"""Exports: what leaves a run, and the proof that it answers as the network does.

Importing this package does not import TensorFlow.
"""

import dataclasses
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from kft import errors
from kft.config.run_commands import NEWEST_OPSET
from kft.exporters import dockerfile, keras_file, litert, onnx, saved_model

if TYPE_CHECKING:
    from kft.exporters.serving_model import ServingModel
    from kft.tasks.serving_texts import SnippetCode

# How weights and arithmetic are made smaller; `none` keeps float32.
Quantize = Literal["none", "float16", "dynamic", "int8"]


# By which a score differs in float32 where other kernels compute it.
_OTHER_KERNELS = 1e-4


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What an export has to reach, against the network it is made from.

    Attributes:
        largest_difference: of any score; None for no limit.
        top1_agreement: share of answers with the same class.
    """

    largest_difference: float | None
    top1_agreement: float = 0.0

    def magnified(self, factor: float) -> "Tolerance":
        """Return that for a network which shows its rounding so many times as much.

        The kernels of TensorFlow round by the size of a batch, too, and an export is
        asked in other batches than the network. Where rounding shows, nothing is held
        to less than what other kernels may differ by: with a factor of 10, one score
        differed by 4.7e-4 between a network and its SavedModel on 16 CPU cores, and all
        by 3.6e-8 in the mean.
        """
        if self.largest_difference is None or factor == 1:
            return self
        base = max(self.largest_difference, _OTHER_KERNELS)
        return dataclasses.replace(self, largest_difference=factor * base)


@dataclasses.dataclass(frozen=True)
class FormatOptions:
    """How a format is written; each reads what it knows.

    Attributes:
        quantize: how litert makes its numbers smaller.
        onnx_opset: operator set of ONNX.
    """

    quantize: Quantize = "none"
    onnx_opset: int = NEWEST_OPSET


class Format(Protocol):
    """The file of a format. Loading it imports neither kft nor TensorFlow."""

    __file__: str | None

    def write(self, served: "ServingModel", path: Path, options: FormatOptions) -> None:
        """Write an export to a path that is not there yet."""

    def open_export(self, path: str) -> Callable[[Any], Mapping[str, np.ndarray]]:
        """Return what asks an export; it imports what runs the format, and not kft.

        What it returns takes a batch: a sequence of raw requests, or tensors by name or
        the only one of them, as the exporter's `takes` says. It gives outputs by name.
        """

    def read_metadata(self, path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the class names, and `ServingModel.metadata`, out of an export."""

    def snippet(self, path: str, code: "SnippetCode") -> list[str]:
        """Return five lines of Python that answer a file, in the folder of exports."""


@dataclasses.dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        format: its file.
        takes: `bytes` where the export takes raw requests; `tensors` where it takes
            what becomes of them, those of the second endpoint.
        bars: what it has to reach, for each way to quantize that it knows.
        ending: of its file; None where it is a folder, which then gets the next number.
        marker: the file in it by which a folder is known; None for a file.
        packages: what has to be importable, besides what kft needs in any case.
        runner: the one of them that runs the export; None where TensorFlow does.
        extra: the extra of kft that installs them.
        unfit: returns why a network cannot be in the format, a clause; an empty text
            where it can.
        beside: returns files for the folder that the export is in, as text by their
            names, of the run's name and the export's path.
    """

    format: Format
    takes: Literal["bytes", "tensors"]
    bars: Mapping[Quantize, Tolerance]
    ending: str | None = None
    marker: str | None = None
    packages: tuple[str, ...] = ()
    runner: str | None = None
    extra: str | None = None
    unfit: Callable[["ServingModel"], str] = lambda served: ""
    beside: Callable[[str, Path], Mapping[str, str]] = lambda run, export: {}


EXPORTERS = {
    "saved_model": Exporter(
        saved_model,
        takes="bytes",
        bars={"none": Tolerance(1e-5)},
        marker="saved_model.pb",
        beside=dockerfile.beside,
    ),
    "litert": Exporter(
        litert,
        takes="tensors",
        bars={
            "none": Tolerance(_OTHER_KERNELS),
            "float16": Tolerance(1e-2),
            "dynamic": Tolerance(None, top1_agreement=0.97),
            "int8": Tolerance(None, top1_agreement=0.97),
        },
        ending=".tflite",
        packages=("ai_edge_litert",),
        runner="ai_edge_litert",
        extra="litert",
        unfit=litert.unfit,
    ),
    "onnx": Exporter(
        onnx,
        takes="tensors",
        bars={"none": Tolerance(_OTHER_KERNELS)},
        ending=".onnx",
        packages=("onnx", "onnxruntime", "tf2onnx"),
        runner="onnxruntime",
        extra="onnx",
    ),
    "keras": Exporter(
        keras_file,
        takes="tensors",
        bars={"none": Tolerance(_OTHER_KERNELS)},
        ending=".keras",
        runner="keras",
        unfit=keras_file.unfit,
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


def check_views(formats: Iterable[str], tta: str | None) -> None:
    """Check that the formats can answer with the mean over views.

    Raises:
        errors.ConfigError: for formats that take what the network reads of a request.
    """
    refused = [name for name in formats if EXPORTERS[name].takes == "tensors"]
    if tta is not None and refused:
        able = [name for name, one in EXPORTERS.items() if one.takes == "bytes"]
        raise errors.ConfigError(
            f"--tta={tta}: views are only in exports that take a request as it is, "
            f"{', '.join(able)}. Leave {', '.join(refused)} out of --formats, or leave "
            "out --tta."
        )


def check_runner(name: str) -> None:
    """Check that exports of a format can be run here; raises ConfigError."""
    runner = EXPORTERS[name].runner
    if runner is not None:
        _check_packages(name, (runner,))


def _check_packages(name: str, packages: Iterable[str]) -> None:
    missing = [one for one in packages if not importlib.util.find_spec(one)]
    extra = EXPORTERS[name].extra
    # What kft always installs has no extra, and is there.
    if missing and extra is not None:
        raise errors.ConfigError(
            f"The format {name} needs {', '.join(missing)}: {errors.install(extra)}"
        )
