"""The README as the page of a package index shows it.

Its links lead to files of the repository, which a page of an index has not: there, they
are their words alone.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)\s]+\)")


class ReadmeOfIndex(MetadataHookInterface):
    """Puts the README into what is built; hatchling calls it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the metadata of the project."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": _LINK.sub(r"\1", text),
        }
