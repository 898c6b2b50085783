"""Formats of images that Pillow reads in some installations only."""

import functools
import importlib
import importlib.util

# The module that reads a format, and the endings of its files. AVIF comes with Pillow
# from 11.3 on.
_READERS = {
    "AVIF": ("PIL._avif", (".avif",)),
    "HEIF": ("pillow_heif", (".heic", ".heif")),
}


def endings() -> tuple[str, ...]:
    """Return the endings of the files that this installation reads."""
    return tuple(
        ending
        for module, endings in _READERS.values()
        if importlib.util.find_spec(module) is not None
        for ending in endings
    )


@functools.cache
def names() -> tuple[str, ...]:
    """Return the formats that this installation reads, which Pillow can open then."""
    found = tuple(
        name
        for name, (module, _) in _READERS.items()
        if importlib.util.find_spec(module) is not None
    )
    if "HEIF" in found:
        importlib.import_module("pillow_heif").register_heif_opener()
    return found
