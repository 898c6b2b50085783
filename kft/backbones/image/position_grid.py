"""Positions that were learned for a grid of patches, on a grid of another size.

Bicubic interpolation, as PyTorch's `interpolate(mode="bicubic", align_corners=False)`
has it: the kernel of Keys (1981) with a = -0.75, borders repeated, nothing smoothed
where the new grid is smaller. It is what transformers does with ViT, DeiT and DINOv2.
"""

import math

import numpy as np

_A = -0.75
_TAPS = (-1, 0, 1, 2)


def resized(positions: np.ndarray, side: int) -> np.ndarray:
    """Return positions of a square grid for another one.

    Args:
        positions: [rows * rows, features], row by row.
        side: of the new grid, at least 1.

    Returns:
        [side * side, features], row by row; the same where the side is.

    Raises:
        ValueError: where the number of positions is no square.
    """
    count, width = positions.shape
    rows = math.isqrt(count)
    if rows * rows != count:
        raise ValueError(f"expected a square number of positions, received {count}")
    if side == rows:
        return positions
    matrix = _matrix(rows, side)
    grid = positions.reshape(rows, rows, width).astype(np.float64)
    new = np.einsum("ir,jc,rcf->ijf", matrix, matrix, grid)
    found: np.ndarray = new.reshape(side * side, width).astype(positions.dtype)
    return found


def _matrix(old: int, new: int) -> np.ndarray:
    """Return what each of the new places takes of the old ones, [new, old]."""
    matrix = np.zeros([new, old])
    for place in range(new):
        centre = (place + 0.5) * old / new - 0.5
        below = math.floor(centre)
        for tap in _TAPS:
            source = min(max(below + tap, 0), old - 1)
            matrix[place, source] += _kernel(abs(centre - below - tap))
    return matrix


def _kernel(distance: float) -> float:
    """Return the weight of a place at a distance in [0, 2]."""
    x = distance
    if x <= 1:
        return ((_A + 2) * x - (_A + 3)) * x * x + 1
    return ((_A * x - 5 * _A) * x + 8 * _A) * x - 4 * _A
