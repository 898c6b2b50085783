"""A yamnet.h5 with random numbers, as Keras 2 wrote the published one."""

from pathlib import Path

import h5py
import numpy as np

# Of each layer: its features, and the stride of its convolution.
LAYERS = (
    *((32, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)


def numbers() -> dict[str, np.ndarray]:
    """Return the weights by the layer's name and the weight's, always the same."""
    shapes: dict[str, tuple[int, ...]] = {"layer1/conv kernel": (3, 3, 1, 32)}
    below = 32
    for number, (width, _) in enumerate(LAYERS[1:], start=2):
        place = f"layer{number}"
        depthwise = f"{place}/depthwise_conv depthwise_kernel"
        shapes[depthwise] = (3, 3, below, 1)
        shapes[f"{place}/pointwise_conv kernel"] = (1, 1, below, width)
        below = width
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in shapes.items():
        layer, weight = name.split()
        width = shape[2] if weight == "depthwise_kernel" else shape[3]
        fan_in = 9 if weight == "depthwise_kernel" else np.prod(shape[:3])
        found[name] = rng.normal(0.0, np.sqrt(2 / fan_in), shape)
        found[f"{layer}/bn beta"] = rng.normal(0.0, 0.3, width)
        found[f"{layer}/bn moving_mean"] = rng.normal(0.0, 0.1, width)
        found[f"{layer}/bn moving_variance"] = rng.uniform(0.5, 1.5, width)
    found["logits kernel"] = rng.normal(0.0, 0.03, (1024, 521))
    found["logits bias"] = np.zeros(521)
    return {name: array.astype(np.float32) for name, array in found.items()}


def write(path: Path, weights: dict[str, np.ndarray]) -> Path:
    """Write weights where Keras 2 does: the layer's group, the weight's whole name."""
    with h5py.File(path, "w") as file:
        for name, array in weights.items():
            layer, weight = name.split()
            file[f"{layer}/{layer}/{weight}:0"] = array
    return path
