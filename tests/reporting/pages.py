"""A page as a browser would take it in, for tests to ask."""

import html.parser
import json
from typing import Any

_WITHOUT_END = {"meta", "img", "br", "input", "link", "hr"}


class Page(html.parser.HTMLParser):
    """The elements of a page; fails on tags that are not closed in order.

    Attributes:
        elements: (tag, attributes) in the order of the page.
        figures: value and text of each <data>, by its data-figure.
        scripts: content by id; those without one have the id "".
        text: all that is not in a tag, script or style.
    """

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.figures: dict[str, tuple[str, str]] = {}
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _WITHOUT_END:
            self._open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script":
            self.scripts[attributes.get("id") or ""] = data
        elif tag != "style":
            self.text += data
        if tag == "data" and "data-figure" in attributes:
            self.figures[attributes["data-figure"]] = (attributes["value"], data)

    def json(self, name: str) -> Any:
        """Return what the script of that id holds."""
        return json.loads(self.scripts[name])

    def sources(self) -> list[str]:
        """Return every address that the page names."""
        names = ("src", "href", "action", "data", "srcset")
        return [
            value or ""
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in names
        ]
