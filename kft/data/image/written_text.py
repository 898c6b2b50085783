"""Lines of text in an image, in whatever script they are."""

import itertools
from collections.abc import Iterator, Sequence

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Stands for a letter that no font of this machine has.
_LACKING = "?"


class Writer:
    """Writes texts of one size, each letter in a font that has it.

    Args:
        texts: all that will be written.
        size: height of the letters, in pixels.
    """

    def __init__(self, texts: Sequence[str], size: int) -> None:
        self._usual = ImageFont.load_default(size)
        self._others: list[tuple[Font, frozenset[int]]] = []
        if not all(map(str.isascii, texts)):
            # A look at all fonts takes a second, and most texts need none.
            from kft.data import fonts

            self._others = [
                (ImageFont.truetype(path, size), fonts.letters(path))
                for path in fonts.files(texts)
            ]

    def width(self, text: str) -> float:
        """Return how wide a text is, in pixels."""
        return sum(font.getlength(part) for font, part in self._parts(text))

    def fitting(self, text: str, width: float) -> str:
        """Return the text, or its beginning with dots, that is as wide at most."""
        if self.width(text) <= width:
            return text
        while text and self.width(f"{text}...") > width:
            text = text[:-1]
        return f"{text}..."

    def write(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str
    ) -> None:
        """Write a line in black, whose upper left corner is at a place."""
        left, top = place
        for font, part in self._parts(text):
            draw.text((left, top), part, "black", font)
            left += font.getlength(part)

    def _parts(self, text: str) -> Iterator[tuple[Font, str]]:
        """Yield the parts of a text that have one font each."""
        for font, found in itertools.groupby(map(self._letter, text), lambda x: x[0]):
            yield font, "".join(letter for _, letter in found)

    def _letter(self, letter: str) -> tuple[Font, str]:
        """Return the font of a letter, and the letter or what stands for it."""
        if not self._others:
            return self._usual, letter
        for font, letters in self._others:
            if ord(letter) in letters:
                return font, letter
        return self._usual, _LACKING
