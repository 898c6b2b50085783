"""The versions of an export, which TensorFlow Serving wants in numbered folders."""

from pathlib import Path


def numbered(folder: Path) -> list[Path]:
    """Return what has a number for a name in a folder, the lowest first."""
    found = [one for one in folder.glob("*") if one.name.isdecimal()]
    return sorted(found, key=lambda one: int(one.name))
