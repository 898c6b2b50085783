"""An audit, from the flags to its files."""

import collections
import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console

from kft import data, errors
from kft.auditing import console as console_lib
from kft.auditing import (
    findings,
    html_report,
    image_stats,
    json_report,
    scan_dataset,
)
from kft.auditing.findings import AuditedImage, Findings
from kft.config import AuditConfig, user_paths
from kft.data.examples import Splits
from kft.data.sources import filesystem
from kft.run_folder import atomic_files

JSON = "audit.json"
PAGE = "audit.html"


def audit(config: AuditConfig, console: Console) -> tuple[Findings, Path]:
    """Look at every image of a data set; write audit.json and audit.html.

    Args:
        config: which data set, and where the findings go.
        console: shows a bar while it takes time.

    Returns:
        What was found, and the folder of the files.

    Raises:
        errors.ConfigError: for flags that name no data set, or a folder that cannot be
            written to.
        errors.DataError: for data that has no splits, as training would say.
    """
    out = out_folder(config)
    _check_out(out, config)
    # Files that are not there are a finding, as others are.
    splits = data.load_splits(dataclasses.replace(config, on_bad_image="skip"))
    parts = list(splits.parts().values())
    with console_lib.bar(console, sum(map(len, parts))) as advance:
        looks = scan_dataset.survey(
            parts, max_pixels=config.max_pixels, advance=advance
        )
    found = findings.find(
        splits,
        looks,
        near_bits=config.near_bits,
        not_used=_not_used(splits, config),
    )
    _write(found, splits, out, config)
    return found, out


def out_folder(config: AuditConfig) -> Path:
    """Return the folder of the findings: `--out`, else audit/DATASET."""
    if config.out is not None:
        return user_paths.expand(config.out)
    kind, _, rest = config.dataset.partition(":")
    if kind == "tfds":
        name = re.split("[/:]", rest)[0]
    else:
        is_local = kind != "digits" and not filesystem.is_remote(rest)
        path = Path(os.path.abspath(filesystem.expand(rest)) if is_local else rest)
        names = {"folder": path.name, "csv": path.stem, "tfrecord": path.parent.name}
        name = names.get(kind, kind)
    return Path("audit", re.sub(r"[^\w.-]+", "-", name).strip("-.") or kind)


def _check_out(out: Path, config: AuditConfig) -> None:
    """Find out before hours of reading whether the findings can be written."""
    kind, _, rest = config.dataset.partition(":")
    if kind == "folder" and rest and not filesystem.is_remote(rest):
        images = Path(filesystem.expand(rest)).resolve()
        if out.resolve().is_relative_to(images):
            raise errors.ConfigError(
                f"--out={out} lies in --dataset={config.dataset}, where it would count "
                "as a class: choose a folder beside it."
            )
    data.check_dataset(config)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.ConfigError(
            f"--out={out}: expected a folder that can be written to: {error.strerror}."
        ) from error


def _not_used(splits: Splits, config: AuditConfig) -> Mapping[str, int]:
    """Return the number of files of a local folder that are no examples, by ending.

    None are named where flags leave examples out: those would be taken for others.
    """
    kind, _, path = config.dataset.partition(":")
    if config.split_file is not None or config.examples_per_class is not None:
        return {}
    if kind != "folder" or filesystem.is_remote(path):
        return {}
    used = {str(name) for part in splits.parts().values() for name in part.ids}
    root = filesystem.expand(path)
    endings: collections.Counter[str] = collections.Counter()
    for folder, _, names in os.walk(root):
        for name in names:
            example = os.path.relpath(os.path.join(folder, name), root)
            if example.replace(os.sep, "/") not in used:
                ending = os.path.splitext(name)[1].lower()
                endings[ending.encode(errors="replace").decode()] += 1
    return dict(endings.most_common())


def _write(found: Findings, splits: Splits, out: Path, config: AuditConfig) -> None:
    parts = list(splits.parts().values())
    starts = np.cumsum([0, *map(len, parts)])

    def thumbnail(image: AuditedImage) -> bytes | None:
        number = int(np.searchsorted(starts, image.place, side="right")) - 1
        place = np.array([image.place - starts[number]])
        return image_stats.thumbnail(scan_dataset.sources(parts[number], place)[0])

    content = json_report.to_json(found, near_bits=config.near_bits)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_files.write(out / JSON, f"{text}\n".encode())
    html = html_report.render(found, near_bits=config.near_bits, thumbnail=thumbnail)
    atomic_files.write(out / PAGE, html.encode())
