"""The origin of a run: labels, split, environment. A resume has to find the same."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf
from absl import logging

from kft import errors, tasks
from kft.config import RunConfig
from kft.data.examples import Splits
from kft.distribution.replicas import Devices
from kft.run_folder import (
    data_place,
    environment,
    option_files,
    run_dir,
    saved_config,
    split_csv,
)
from kft.run_folder.run_dir import RunDir
from kft.run_folder.split_csv import SplitRow
from kft.training.run_context import RunContext

_FINGERPRINT = environment.DATA_FINGERPRINT
_SHOWN = 3
# Options that name a file of labels; not every task has all.
_LABEL_FILES = ("tfrecord_labels", "webdataset_labels", "alphabet")
# Label and split of each example, by id.
Table = Mapping[str, tuple[str, str]]


def write(context: RunContext, splits: Splits) -> None:
    """Write what the run starts from, and one example for a first prediction.

    Args:
        context: the run.
        splits: the examples as they are encoded.
    """
    run = context.run
    run.write_text(run.labels_txt, splits.labels.text())
    run.write_text(run.split_csv, split_csv.text(splits))
    kind = tasks.kind(context.config.task)
    for name, content in kind.kept_files(context.config, splits).items():
        run.write_bytes(run.backbone / name, content)
    _write_environment(run, context.config, splits, context.devices)
    _write_example(context, splits)


def _write_environment(
    run: RunDir, config: RunConfig, splits: Splits, devices: Devices
) -> None:
    facts = {
        **environment.describe(devices),
        _FINGERPRINT: splits.fingerprint,
        **option_files.describe(config),
        **data_place.describe(run),
    }
    run.write_json(run.environment_json, facts)


def _write_example(context: RunContext, splits: Splits) -> None:
    """Write one example that is not trained on."""
    validation = splits.validation
    examples = validation if validation else splits.train
    payload = examples.read(tf.constant(examples.rows[:1]))[0].numpy()
    suffix = context.task.display.suffix(payload)
    context.run.write_bytes(context.run.path / f"example{suffix}", payload)


def check(run: RunDir, config: RunConfig, splits: Splits, devices: Devices) -> None:
    """Check that a run can go on with these examples, and mend damaged files.

    The data set's fingerprint decides, or split.csv where environment.json is gone.
    What follows from the data is written anew where it is damaged.

    Raises:
        errors.DataError: where the data is not that of the start; says what changed.
        errors.RunDirError: where nothing tells any more what the data was.
    """
    recorded, kept = _read_environment(run), _read_table(run)
    now = _table(split_csv.rows(splits))
    if recorded is None and kept is None:
        raise errors.RunDirError(
            f"{run.environment_json} and {run.split_csv} are both damaged or gone, so "
            "nothing tells whether the data is still that of the run. Restore one of "
            "them from a copy, or start again in another --run_dir."
        )
    is_same = recorded[_FINGERPRINT] == splits.fingerprint if recorded else kept == now
    if not is_same:
        raise errors.DataError(_changes(run, config, splits, kept, now))
    if recorded is None:
        logging.warning(
            "%s is damaged or gone; %s says that the data is the same.",
            run.environment_json,
            run.split_csv.name,
        )
        _write_environment(run, config, splits, devices)
    else:
        changed = option_files.changed(run.environment_json, config)
        _require_same_teacher(run, config, changed)
        _mention_files(run, config, changed)
        _mention_versions(recorded.get("packages"))
        _keep_place(run, recorded)
    texts = {
        run.split_csv: split_csv.text(splits),
        run.labels_txt: splits.labels.text(),
    }
    for path, text in texts.items():
        if not path.is_file() or path.read_bytes() != text.encode():
            logging.warning("%s is damaged or gone; it is written anew.", path)
            run.write_text(path, text)


def _keep_place(run: RunDir, recorded: Mapping[str, Any]) -> None:
    """Write where run and data are now, if they have been moved."""
    facts = {**recorded, **data_place.describe(run)}
    if facts != recorded:
        run.write_json(run.environment_json, facts)


def _read_environment(run: RunDir) -> Mapping[str, Any] | None:
    try:
        recorded = saved_config.read_json(run.environment_json)
    except errors.RunDirError:
        return None
    return recorded if isinstance(recorded.get(_FINGERPRINT), str) else None


def _mention_versions(before: Any) -> None:
    """Warn where other packages go on with the run than began it."""
    if not isinstance(before, dict):
        return
    for name, version in environment.versions().items():
        if before.get(name) != version:
            logging.warning(
                "The run began with %s %s and goes on with %s: its numbers may differ "
                "from those of a run without a break.",
                name,
                before.get(name),
                version,
            )


def _require_same_teacher(
    run: RunDir, config: RunConfig, changed: Collection[str]
) -> None:
    """Check that a run goes on with the teacher that it began with.

    Raises:
        errors.RunDirError: where the folder of the teacher has another run now.
    """
    if "teacher" in changed:
        raise errors.RunDirError(
            f"--teacher={config.teacher} has changed since the run in {run.path} "
            "began: its weights, classes or config are others. Put back the folder as "
            "it was, or start a new run in another --run_dir."
        )


def _mention_files(run: RunDir, config: RunConfig, changed: Iterable[str]) -> None:
    """Warn of files that were read at the start, and hold something else now."""
    for name in changed:
        logging.warning(
            "--%s=%s has changed since the run in %s began, which goes on with what "
            "the file held then. A new run in another --run_dir reads it anew.",
            name,
            getattr(config, name),
            run.path,
        )


def _read_table(run: RunDir) -> Table | None:
    try:
        return _table(split_csv.read(run))
    except errors.RunDirError:
        return None


def _table(rows: Iterable[SplitRow]) -> Table:
    return {row.id: (row.label, row.split) for row in rows}


def _changes(
    run: RunDir, config: RunConfig, splits: Splits, kept: Table | None, now: Table
) -> str:
    """Return what has changed since the start, and what to do."""
    lines = list(_changed_labels(run, config, splits))
    if kept is None:
        lines.append(f"{run.split_csv} is damaged and cannot tell which examples")
    else:
        moved = [name for name in now if name in kept and now[name] != kept[name]]
        for names, what in (
            ([name for name in now if name not in kept], "added"),
            ([name for name in kept if name not in now], "removed"),
            (moved, "with another label or split"),
        ):
            if names:
                lines.append(f"{len(names)} {what} ({_listed(names)})")
    what = "; ".join(lines) or "the same examples, but files of other sizes"
    return (
        f"{splits.source} has changed since the run in {run.path} began: {what}. A run "
        f"goes on with the examples that it began with: put them back as "
        f"{run.split_csv.name} has them, or start a new run in another --run_dir."
    )


def _changed_labels(run: RunDir, config: RunConfig, splits: Splits) -> Iterator[str]:
    """Yield what labels there were, and are, where these are others."""
    try:
        before = run_dir.read_labels(run).names
    except errors.RunDirError:
        return
    if before == splits.labels.names:
        return
    named = [
        f"--{name}={getattr(config, name)}"
        for name in _LABEL_FILES
        if hasattr(config, name) and getattr(config, name) is not None
    ]
    added = [name for name in splits.labels.names if name not in before]
    removed = [name for name in before if name not in splits.labels.names]
    parts = [
        f"{what} {_listed([repr(name) for name in names])}"
        for what, names in (("with", added), ("without", removed))
        if names
    ]
    where = f" of {' and '.join(named)}" if named else ""
    yield f"other labels{where} ({', '.join(parts) or 'in another order'})"


def _listed(names: list[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more
