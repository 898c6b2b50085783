"""Names in a Markdown file are read as what they are, by a reader of CommonMark."""

import html
import re

import markdown_it
import pytest

from kft.cli import terminal
from kft.exporters import markdown

NAMES = [
    "n02123045_tabby.cat-1",
    "_italic_ and *bold* __b__ ***",
    "a|b||c\\|d",
    "<img src=x onerror=alert(1)>",
    "</td><script>alert(1)</script>",
    "[link](http://evil.example) ![image](x) [a]: b",
    "<http://evil.example>",
    "&lt;b&gt; & &amp;",
    "`code` ``more`` \\`",
    "~~struck~~ $x$ \\* \\\\ \\",
    "line\nbreak\r\n# heading\x1b[31m",
    "日本語 é",
]


def _render(source):
    reader = markdown_it.MarkdownIt("commonmark", {"html": True})
    return reader.enable(["table", "strikethrough"]).render(source)


def _content(rendered, tag):
    (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", rendered, re.DOTALL)
    return html.unescape(inside)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_name(name):
    shown = _render(f"Classes: {markdown.text(name)}, other.")
    assert _content(shown, "p") == f"Classes: {terminal.one_line(name)}, other."


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_in_one_cell(name):
    shown = _render(f"| a | b |\n|---|---|\n| 1 ({markdown.text(name)}) | 2 |")
    cells = [html.unescape(one) for one in re.findall("<td>(.*?)</td>", shown)]
    assert cells == [f"1 ({terminal.one_line(name)})", "2"]


@pytest.mark.parametrize("name", NAMES)
def test_code_is_code(name):
    shown = _render(f"See {markdown.code(name)} here.")
    assert _content(shown, "code") == terminal.one_line(name)


def test_usual_names_stay_as_they_are():
    usual = "n02123045_tabby.cat-1 (a+b) #3 x:y 'q' \"r\" 5% é"
    assert markdown.text(usual) == usual
