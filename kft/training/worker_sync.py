"""Chief/worker synchronisation of a run folder that only the chief can see.

Nothing here needs a file system that all of them have. With one worker it is that
worker's folder and nothing more.
"""

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import logging

from kft.config import RunConfig
from kft.data.examples import TEST, TRAIN, VALIDATION, Splits
from kft.data.ragged import Ragged, Rows
from kft.distribution.replicas import Devices
from kft.model import freeze
from kft.run_folder import environment, run_dir
from kft.run_folder.run_dir import RunDir, Status
from kft.run_folder.run_result import RunResult
from kft.training import checkpoints
from kft.training.checkpoints import Snapshot
from kft.training.run_context import RunContext


@contextlib.contextmanager
def claim(config: RunConfig, devices: Devices) -> Iterator[tuple[RunDir, Status]]:
    """Hold the run folder, and say how far the run is.

    All but the chief get a scratch folder, which is removed in the end.

    Raises:
        errors.RunDirError: on all workers, where the chief cannot have the folder.
    """
    with contextlib.ExitStack() as stack:

        def enter() -> bytes:
            run, status = stack.enter_context(run_dir.claim(config))
            return json.dumps([str(run.path), status]).encode()

        path, status = json.loads(devices.from_chief(enter))
        if not devices.is_chief:
            path = stack.enter_context(tempfile.TemporaryDirectory(prefix="kft-"))
        yield RunDir(Path(path)), status


def require_same_run(config: RunConfig, splits: Splits, devices: Devices) -> None:
    """Check that all workers were told the same, and found the same.

    Raises:
        errors.ConfigError: on all workers, naming what differs, and where.
    """
    if devices.num_workers == 1:
        return
    told = {
        f"--{field.name}": json.dumps(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if not field.metadata["may_change"]
    }
    # First what decides which flags there are.
    devices.require_equal(
        {
            "the software": json.dumps(environment.versions()),
            "which flags there are": json.dumps(list(told)),
        }
    )
    devices.require_equal({**told, **_facts(splits)})


def _facts(splits: Splits) -> dict[str, str]:
    """Return what there is to learn and from what, as texts by name."""
    facts = {"the classes": json.dumps(splits.labels.names)}
    every = {
        TRAIN: splits.train,
        VALIDATION: splits.validation,
        TEST: splits.test,
    }
    for split, part in every.items():
        ids: list[str] = [] if part is None else list(part.ids)
        labels: Rows | list[Any] = [] if part is None else part.labels
        facts[f"the number of {split} examples"] = str(len(ids))
        facts[f"the names of the {split} examples"] = json.dumps(ids)
        facts[f"the labels of the {split} examples"] = json.dumps(_plain(labels))
    facts["the fingerprint of the data"] = splits.fingerprint
    return facts


def _plain(labels: Rows | list[Any]) -> list[Any]:
    """Return labels as JSON can hold them."""
    if isinstance(labels, Ragged):
        return [labels.values.tolist(), labels.offsets.tolist()]
    return labels if isinstance(labels, list) else list(labels.tolist())


def require_same_weights(context: RunContext) -> None:
    """Check that the network of all workers is the same, bit by bit.

    Raises:
        errors.ConfigError: on all workers, where it is not.
    """
    if context.devices.num_workers > 1:
        digests = freeze.digests(context.network.model)
        context.devices.require_equal({"the network": json.dumps(digests)})


def has_checkpoint(run: RunDir, devices: Devices) -> bool:
    """Return whether the run has been saved."""
    return bool(devices.from_chief(lambda: b"y" if checkpoints.exists(run) else b""))


def load_last(run: RunDir, devices: Devices) -> Snapshot | None:
    """Return the chief's newest snapshot that is whole, None where there is none.

    Raises:
        errors.RunDirError: on all workers, where there are checkpoints and none is
            whole.
    """
    if devices.num_workers == 1:
        return checkpoints.load_last(run, warn=logging.warning)

    def read() -> bytes:
        snapshot = checkpoints.load_last(run, warn=logging.warning)
        return b"" if snapshot is None else checkpoints.pack(snapshot)

    content = devices.from_chief(read)
    return checkpoints.unpack(content) if content else None


def result(run: RunDir, devices: Devices) -> RunResult:
    """Return the result of a finished run as the chief has it.

    Raises:
        errors.RunDirError: on all workers, where it is missing or damaged.
    """
    if devices.num_workers == 1:
        return RunResult.read(run)

    def read() -> bytes:
        found = RunResult.read(run)
        return json.dumps([str(found.run_dir), found.to_json()]).encode()

    path, content = json.loads(devices.from_chief(read))
    return RunResult.from_json(Path(path), content)


def share(path: Path, devices: Devices) -> None:
    """Copy a file of the chief's folder to the same name in the others' scratch."""
    if devices.num_workers > 1:
        content = devices.from_chief(path.read_bytes)
        if not devices.is_chief:
            path.write_bytes(content)
