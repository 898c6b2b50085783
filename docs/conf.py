"""The documentation as a site: settings of Sphinx, and the pages that it makes itself.

  pip install -e '.[docs]'
  python -m sphinx -W -b html docs site

The pages of docs/ are read on a forge as well, so their links are those of the
repository. What they name outside of docs/ becomes a page of the site, where it is a
document, and else its name.
"""

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(REPOSITORY))

import kft  # noqa: E402
from kft import __main__ as kft_main  # noqa: E402
from kft import tasks  # noqa: E402
from kft.cli import command  # noqa: E402

project = "kft"
author = "The kft authors"
version = release = kft.__version__
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "kft"
html_show_sphinx = False

# Documents of the repository by the names of their pages.
DOCUMENTS = {
    "benchmarks": "tools/BENCHMARKS.md",
    "changelog": "CHANGELOG.md",
    "configs": "configs/README.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
}
# What README.md says up to here stands on the first page.
README_PLACE, README_END = "<!-- README.md -->", "## Your own data"
WIDTH = 88
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)\s#]+)(#[^)\s]*)?\)")


def flags_page() -> str:
    """Return what --help says of every command, and of kft.train for each task."""
    parts = ["# Every flag", "What `--help` says.", ""]
    for name, entry in kft_main.COMMANDS.items():
        parts += [f"## kft {name}", f"{entry.summary}.", ""]
        found = importlib.import_module(entry.module).COMMAND
        for task in tasks.known() if name == "train" else [None]:
            flag = f"--task={task}"
            parts += [f"### {flag}", ""] if task else []
            text = command.help_text(found, [flag] if task else [], width=WIDTH)
            parts += ["```text", text.strip(), "```", ""]
    return "\n".join(parts)


def with_links_of_the_site(text: str, folder: Path) -> str:
    """Return a document whose links lead to pages of the site.

    Args:
        text: of the document.
        folder: in which it lies; its links are relative to it.
    """
    pages = {(REPOSITORY / path).resolve(): name for name, path in DOCUMENTS.items()}

    def link(match: re.Match[str]) -> str:
        shown, target, anchor = match[1], match[2], match[3] or ""
        path = (folder / target).resolve()
        if path in pages:
            return f"[{shown}]({pages[path]}.md{anchor})"
        if path == REPOSITORY / "README.md":
            return f"[{shown}](index.md)"
        if path.suffix == ".md" and path.is_relative_to(HERE):
            return f"[{shown}]({path.relative_to(HERE)}{anchor})"
        return shown if "`" in shown else f"`{shown}`"

    return _LINK.sub(link, text)


def _read(app: Any, name: str, source: list[str]) -> None:
    """Change the links of a page, before it is parsed."""
    del app
    folder = REPOSITORY / os.path.dirname(DOCUMENTS.get(name, "docs/."))
    readme = (REPOSITORY / "README.md").read_text().split("\n", 1)[1]
    shown = with_links_of_the_site(readme.split(README_END)[0], REPOSITORY)
    source[0] = with_links_of_the_site(source[0], folder).replace(README_PLACE, shown)


def setup(app: Any) -> None:
    """Write the pages that are made, and listen."""
    (HERE / "flags.md").write_text(flags_page())
    for name, path in DOCUMENTS.items():
        (HERE / f"{name}.md").write_text((REPOSITORY / path).read_text())
    app.connect("source-read", _read)
