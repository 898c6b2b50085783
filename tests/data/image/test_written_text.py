"""Lines are drawn with fonts that have their letters, and without boxes."""

import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kft.data import fonts
from kft.data.image import written_text

# Greek, Cyrillic, Hebrew, Arabic: in the fonts that come with matplotlib.
SCRIPTS = ("ρόδο", "роза", "ורד", "وردة")
# A private letter, of which no font knows what it is.
NOBODYS = "\U000e0fff"


def _drawn(text: str, *, size: int = 13) -> np.ndarray:
    canvas = Image.new("RGB", (240, 30), "white")
    written_text.Writer([text], size).write(ImageDraw.Draw(canvas), (4, 4), text)
    return np.asarray(canvas)


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_letter_of_a_script_is_drawn_as_itself(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = _drawn(text)
    placeholder = _drawn("?" * len(text))
    assert not np.array_equal(whole, placeholder)
    # Boxes for what is missing would all be alike.
    letters = {_drawn(letter).tobytes() for letter in text}
    assert len(letters) == len(set(text))


def test_a_letter_that_no_font_has_is_a_question_mark() -> None:
    text = f"a{NOBODYS}"
    assert fonts.families([text]) is None
    writer = written_text.Writer([text], 13)
    assert writer.width(NOBODYS) == written_text.Writer(["?"], 13).width("?")


def test_a_text_of_several_scripts_is_as_wide_as_its_parts() -> None:
    text = "rose роза 3"
    writer = written_text.Writer([text], 13)
    assert writer.width(text) == pytest.approx(sum(map(writer.width, text)), rel=0.05)
    cut = writer.fitting(text, 50)
    assert cut.startswith("rose") and cut.endswith("...")
    assert writer.width(cut) <= 50
    assert writer.fitting(text, 500) == text
