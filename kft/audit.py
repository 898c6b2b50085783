"""Look at data before anybody trains on it.

Counts classes and splits, and finds files that cannot be read, copies across splits
and across labels (exact ones, and near ones by a perceptual hash), names of another
format than the content, and images that are tiny, very long or of one color. The
splits are those that training would use, and a flagfile of training is understood.

Of texts (--task=text_classification): near copies by MinHash, what --max_length cuts,
control characters, a wrong encoding, markup, another script.

Prints a table; writes audit.json, and audit.html with the images side by side; and
for training split.csv, the splits without what cannot be read and without copies, and
left_out.csv, which says what these are. Exit code 1: there are copies across splits or
labels, or files that cannot be read.

  python -m kft.audit photos
  python -m kft.audit --task=text_classification reviews.csv
  python -m kft.audit --flagfile=runs/photos/flags.cfg --near_bits=none
  python -m kft.train --dataset=folder:photos --split_file=audit/photos/split.csv
"""

import dataclasses
import os
import sys

from kft import tasks
from kft.cli import by_task, command, rich_console, terminal
from kft.config import AuditOptions, AuditRunConfig, user_paths

_KINDS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".tar": "webdataset"}


def main(config: AuditOptions) -> None:
    """Audit, and show what was found."""
    from kft.auditing import audit_dataset, console

    config = dataclasses.replace(config, dataset=_dataset(config.dataset))
    shown = rich_console.console()
    found, out = audit_dataset.audit(config, shown)
    console.show(found, shown)
    terminal.show(str(out / audit_dataset.PAGE))
    if not found.is_clean:
        sys.stdout.flush()
        sys.exit(
            f"{len(found.leaks)} groups of copies across splits or labels, "
            f"{len(found.unreadable)} files that cannot be read.\n"
            f"--split_file={out / audit_dataset.SPLIT} trains without what "
            f"{audit_dataset.LEFT_OUT} beside it names."
        )


def _dataset(text: str) -> str:
    """Return the data set of a path alone: a folder or a table."""
    path = user_paths.expand(text)
    if os.path.isdir(path):
        return f"folder:{text}"
    kind = _KINDS.get(path.suffix.lower()) if os.path.isfile(path) else None
    return text if kind is None else f"{kind}:{text}"


COMMAND = command.Command(
    name="audit",
    description=__doc__,
    config=by_task.ByTask(
        tasks.known, AuditRunConfig, shown=AuditOptions, needed=("dataset",)
    ),
    main=main,
    positional="dataset",
)

if __name__ == "__main__":
    command.run(COMMAND)
