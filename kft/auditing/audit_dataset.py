"""An audit, from the flags to its files."""

import collections
import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from kft import data, errors, tasks
from kft.auditing import (
    findings,
    html_report,
    json_report,
    mended_splits,
    scan_dataset,
)
from kft.auditing.checks import AuditedExample, Checks
from kft.auditing.findings import Findings
from kft.cli import progress_bar
from kft.config import AuditOptions, user_paths
from kft.data.examples import Splits
from kft.data.sources import filesystem
from kft.run_folder import atomic_files

JSON = "audit.json"
PAGE = "audit.html"
SPLIT = "split.csv"
LEFT_OUT = "left_out.csv"


def audit(config: AuditOptions, console: Console) -> tuple[Findings, Path]:
    """Inspect every example of a data set; write what was found.

    That is audit.json and audit.html, and for training split.csv, the splits without
    what is wrong, and left_out.csv, what they are without.

    Args:
        config: which data set, and where the findings go.
        console: shows a bar while it takes time.

    Returns:
        What was found, and the folder of the files.

    Raises:
        errors.ConfigError: for a task whose examples nobody can look at, flags that
            name no data set, or a folder that cannot be written to.
        errors.DataError: for data that has no splits, as training would say.
    """
    kind = tasks.kind(config.task)
    if kind.audit_checks is None:
        able = [name for name, one in tasks.known().items() if one.audit_checks]
        raise errors.ConfigError(
            f"kft.audit cannot look at the examples of --task={kind.name}, only at "
            f"those of {', '.join(able)}. Training itself names what it cannot read."
        )
    out = out_folder(config)
    _check_out(out, config)
    checks = kind.audit_checks(config)
    splits = data.load_splits(_taking_all(config), kind.sources)
    parts = list(splits.parts().values())
    title, total = f"looking at {checks.noun}", sum(map(len, parts))
    with progress_bar.on_terminal(title, total, console=console) as advance:
        inspections = scan_dataset.scan(parts, checks, advance=advance)
    option = config.bad_example_option
    found = findings.find(
        splits,
        inspections,
        checks,
        not_used=_not_used(splits, config),
        skip_flag=None if option is None else f"--{option}=skip",
    )
    _write(found, splits, checks, out)
    return found, out


def _taking_all(config: AuditOptions) -> AuditOptions:
    """Return a config with which files that are not there are examples as others."""
    if config.bad_example_option is None:
        return config
    changes: dict[str, Any] = {config.bad_example_option: "skip"}
    return dataclasses.replace(config, **changes)


def out_folder(config: AuditOptions) -> Path:
    """Return the folder of the findings: `--out`, else audit/DATASET."""
    if config.out is not None:
        return user_paths.expand(config.out)
    kind, _, rest = config.dataset.partition(":")
    if kind == "tfds":
        name = re.split("[/:]", rest)[0]
    else:
        source = tasks.kind(config.task).sources.get(kind)
        is_path = source is not None and source.is_path
        is_local = is_path and not filesystem.is_remote(rest)
        path = Path(os.path.abspath(filesystem.expand(rest)) if is_local else rest)
        names = {
            "folder": path.name,
            "csv": path.stem,
            "tfrecord": path.parent.name,
            "webdataset": path.name if os.path.isdir(path) else path.parent.name,
        }
        name = names.get(kind, kind)
    return Path("audit", re.sub(r"[^\w.-]+", "-", name).strip("-.") or kind)


def _check_out(out: Path, config: AuditOptions) -> None:
    """Find out before hours of reading whether the findings can be written."""
    kind, _, rest = config.dataset.partition(":")
    if kind == "folder" and rest and not filesystem.is_remote(rest):
        folder = Path(filesystem.expand(rest)).resolve()
        if out.resolve().is_relative_to(folder):
            raise errors.ConfigError(
                f"--out={out} lies in --dataset={config.dataset}, where it would count "
                "as a class: choose a folder beside it."
            )
    data.check_dataset(config, tasks.kind(config.task).sources)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.ConfigError(
            f"--out={out}: expected a folder that can be written to: {error.strerror}."
        ) from error


def _not_used(splits: Splits, config: AuditOptions) -> Mapping[str, Mapping[str, int]]:
    """Return how many files of a local folder are no examples, by ending and folder.

    None are named where flags leave examples out: those would be taken for others.
    """
    kind, _, path = config.dataset.partition(":")
    if config.split_file is not None or config.examples_per_class is not None:
        return {}
    if kind != "folder" or filesystem.is_remote(path):
        return {}
    used = {str(name) for part in splits.parts().values() for name in part.ids}
    root = filesystem.expand(path)
    found: dict[str, collections.Counter[str]] = {}
    for folder, _, names in os.walk(root):
        place = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in names:
            if os.path.normpath(f"{place}/{name}").replace(os.sep, "/") not in used:
                ending = _printable(os.path.splitext(name)[1].lower())
                found.setdefault(ending, collections.Counter())[_printable(place)] += 1
    by_number = sorted(found, key=lambda ending: found[ending].total(), reverse=True)
    return {ending: dict(found[ending].most_common()) for ending in by_number}


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()


def _write(found: Findings, splits: Splits, checks: Checks, out: Path) -> None:
    parts = list(splits.parts().values())
    starts = np.cumsum([0, *map(len, parts)])

    def preview(example: AuditedExample) -> str | None:
        number = int(np.searchsorted(starts, example.position, side="right")) - 1
        position = np.array([example.position - starts[number]])
        (payload,) = scan_dataset.payloads(parts[number], position)
        try:
            content = scan_dataset.content(payload)
        except (OSError, ValueError):  # It was there a moment ago.
            return None
        return checks.preview(content, example.id)

    content = json_report.to_json(found)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_files.write(out / JSON, f"{text}\n".encode())
    html = html_report.render(found, preview)
    atomic_files.write(out / PAGE, html.encode())
    without = mended_splits.left_out(found)
    tables = {
        SPLIT: mended_splits.split_text(found, without),
        LEFT_OUT: mended_splits.left_out_text(without),
    }
    for name, table in tables.items():
        atomic_files.write(out / name, table.encode(errors="surrogateescape"))
