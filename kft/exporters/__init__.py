"""Exports: what leaves a run, and the proof that it answers as the network does.

Importing this package does not import TensorFlow.
"""

import dataclasses
import importlib
from collections.abc import Iterable
from types import ModuleType

from kft import errors


@dataclasses.dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        module: has `write(served, folder)`, which writes the format into a folder, and
            `file_name`, None where the folder itself is what is loaded.
        takes: `bytes` where the export decodes encoded pictures itself; `pixels` where
            it takes uint8 [n, size, size, 3].
        versioned: whether each export gets a folder with the next number.
        tolerance: largest difference of a probability from the network's.
    """

    module: str
    takes: str
    versioned: bool
    tolerance: float

    def load(self) -> ModuleType:
        """Return the module; it imports what the format needs."""
        return importlib.import_module(self.module)


EXPORTERS = {
    "saved_model": Exporter(
        "kft.exporters.saved_model", takes="bytes", versioned=True, tolerance=1e-5
    ),
}


def check(formats: Iterable[str]) -> None:
    """Check the names of formats.

    Raises:
        errors.ConfigError: for one that does not exist; names those that do.
    """
    for name in formats:
        if name not in EXPORTERS:
            raise errors.ConfigError(
                f"There is no export format {name!r}. "
                f"{errors.closest(name, EXPORTERS, most=len(EXPORTERS))}"
            )
