import base64
import io

import numpy as np
import pytest
from PIL import Image

from kft.reporting import confusion

COUNTS = [[8, 2, 0], [0, 0, 0], [1, 0, 3]]


def test_few_classes_are_a_table_with_the_share_of_each_row() -> None:
    rows = confusion.table(COUNTS, ["a", "b", "c"])
    assert [[cell.count for cell in row.cells] for row in rows] == COUNTS
    assert [cell.share for cell in rows[0].cells] == pytest.approx([0.8, 0.2, 0])
    # A class without examples divides by nothing.
    assert [cell.share for cell in rows[1].cells] == [0, 0, 0]
    assert [cell.is_hit for cell in rows[2].cells] == [False, False, True]
    assert confusion.draw(COUNTS, ["a", "b", "c"]) is None


def test_many_classes_are_a_map_with_a_dot_for_each_cell() -> None:
    counts = np.diag(np.full(60, 9))
    counts[7, 31] = 3
    names = [f"class {i}" for i in range(60)]
    assert confusion.table(counts.tolist(), names) is None
    found = confusion.draw(counts.tolist(), names)
    content = base64.b64decode(found.drawing.removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == (60, 60, 4)
    seen = np.argwhere(pixels[..., 3] > 0)
    assert len(seen) == 61 and [7, 31] in seen.tolist()
    # A mistake has another colour than a hit, and a rare one is paler than a frequent.
    red, _, blue, alpha = pixels[7, 31]
    assert red > blue and pixels[7, 7][2] > pixels[7, 7][0]
    assert alpha < pixels[7, 7][3]
    assert found.side == found.margin + 60 * found.cell


def test_long_names_are_shortened_on_the_map() -> None:
    found = confusion.draw(np.eye(30, dtype=int).tolist(), ["n" * 200] * 30)
    assert {len(name) for name in found.names} == {24}
