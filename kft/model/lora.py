"""Low-rank adaptation (LoRA): large matrices stay, two thin ones each train instead.

A layer with the matrix W [..., outputs] computes with W + A B, where A [..., rank]
begins random and B [rank, outputs] as zeros (Hu et al., arXiv 2106.09685), by Keras'
own `enable_lora`. A and B are variables of the network in all stages of a run, so
stages, checkpoints and the proof of freezing treat them like any other, and W is among
what is proved not to move. What leaves a run has none of them: see `merged`.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from kft import errors
from kft.model.network import Network

_DENSE = (keras.layers.Dense, keras.layers.EinsumDense)


@dataclasses.dataclass(frozen=True)
class Added:
    """What `add` has done.

    Attributes:
        rank: columns of A, rows of B.
        matrices: how many matrices no longer train.
        replaced: parameters in them.
        trained: parameters of the factors that train instead.
    """

    rank: int
    matrices: int
    replaced: int
    trained: int

    def __str__(self) -> str:
        """Return a sentence for people."""
        matrices = f"{self.matrices} matrices" if self.matrices > 1 else "1 matrix"
        return (
            f"LoRA of rank {self.rank}: {self.trained:,} parameters train in place of "
            f"the {self.replaced:,} of {matrices} in unfrozen blocks, which stay."
        )


def add(network: Network, depth: int, *, rank: int) -> Added:
    """Give the matrices of the upper blocks factors; call it in the strategy's scope.

    They are those of Dense, EinsumDense and Embedding layers, parts of other layers
    included, wherever A and B together are smaller than the matrix. All else, and the
    head, is left as it is. The outputs of the network stay the same.

    Args:
        network: its model is changed in place.
        depth: number of blocks that train in the run's last stage, at least 1, see
            `kft.config.stages`.
        rank: at least 1.

    Raises:
        errors.ConfigError: where no matrix is larger than its factors would be.
    """
    distances = network.distances()
    found = [
        layer
        for top in network.model.layers
        if 1 <= distances[top.name] <= depth
        for layer in _layers_with_matrix(top)
    ]
    shapes = [tuple(_matrix(layer).shape) for layer in found]
    chosen = [s for s in shapes if _factors_size(s, rank) < math.prod(s)]
    if not chosen:
        raise errors.ConfigError(_nothing_to_adapt(rank, shapes))
    for layer, shape in zip(found, shapes, strict=True):
        if _factors_size(shape, rank) < math.prod(shape):
            layer.enable_lora(rank)
    return Added(
        rank=rank,
        matrices=len(chosen),
        replaced=sum(map(math.prod, chosen)),
        trained=sum(_factors_size(shape, rank) for shape in chosen),
    )


def _nothing_to_adapt(rank: int, shapes: Sequence[tuple[int, ...]]) -> str:
    expected = (
        f"--lora_rank={rank}: expected a Dense, EinsumDense or Embedding layer in the "
        "blocks that --stages unfreezes, whose matrix is larger than two thin ones of "
        "that rank"
    )
    largest = max(map(_largest_rank, shapes), default=0)
    if not largest:
        return f"{expected}; there is none, so leave --lora_rank out."
    return f"{expected}; the largest rank that any of them can have is {largest}."


def _factors_size(shape: tuple[int, ...], rank: int) -> int:
    return rank * (math.prod(shape[:-1]) + shape[-1])


def _largest_rank(shape: tuple[int, ...]) -> int:
    return (math.prod(shape) - 1) // _factors_size(shape, 1)


def _layers_with_matrix(layer: keras.Layer) -> list[keras.Layer]:
    # Keras (3.15) has no public list of the layers inside a layer.
    return [
        part
        for part in layer._flatten_layers()
        if isinstance(part, (*_DENSE, keras.layers.Embedding))
    ]


def _adapted(model: keras.Model) -> list[keras.Layer]:
    return [
        part
        for layer in model.layers
        for part in _layers_with_matrix(layer)
        if part.lora_rank is not None
    ]


def _matrix(layer: keras.Layer) -> keras.Variable:
    """Return W: with LoRA, the attribute of that name is the sum."""
    name = "kernel" if isinstance(layer, _DENSE) else "embeddings"
    return next(weight for weight in layer.weights if weight.name == name)


def _factors(layer: keras.Layer) -> tuple[keras.Variable, keras.Variable]:
    """Return A and B."""
    if isinstance(layer, _DENSE):
        return layer.lora_kernel_a, layer.lora_kernel_b
    return layer.lora_embeddings_a, layer.lora_embeddings_b


def matrices(model: keras.Model) -> list[keras.Variable]:
    """Return the matrices that never train, for they have factors."""
    return [_matrix(layer) for layer in _adapted(model)]


def factors(model: keras.Model) -> list[keras.Variable]:
    """Return every A and B."""
    return [factor for layer in _adapted(model) for factor in _factors(layer)]


@contextlib.contextmanager
def merged(model: keras.Model) -> Iterator[None]:
    """Let the matrices be the sums W + A B, and no layer use factors, for a while.

    A weights file that is written meanwhile is one of the network without LoRA. Keras
    (3.15) writes the sums itself, but in the dtype that a layer computes in: rounded,
    in mixed precision.
    """
    adapted = _adapted(model)
    kept = [(v, v.numpy()) for one in adapted for v in (_matrix(one), _factors(one)[1])]
    try:
        for layer in adapted:
            matrix, (a, b) = _matrix(layer), _factors(layer)
            product = np.tensordot(a.numpy(), b.numpy(), axes=1)
            matrix.assign(matrix.numpy() + layer.lora_alpha / layer.lora_rank * product)
            # What has been traced goes on adding A B.
            b.assign(np.zeros(b.shape, b.dtype))
            layer.lora_enabled = False
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
        for layer in adapted:
            layer.lora_enabled = True
