"""The folder of a search: its paths, and what must stay the same in it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from kft import config, errors
from kft.config import SearchConfig, user_paths
from kft.run_folder import atomic_files, option_files, run_dir, saved_config
from kft.run_folder.run_dir import Below

_FINGERPRINT = "data_fingerprint"


@dataclasses.dataclass(frozen=True)
class SearchDir:
    """Every path of a search folder.

    Attributes:
        path: the folder itself.
        search_json: the flags of the search, digests of the files that they name, and
            the fingerprint of its data.
        oracle_json: what keras-tuner knows.
        trials: a run folder and a record for each trial.
        features: outputs of frozen trunks, which the trials share.
        trials_csv: a line for each trial.
        trials_png: what trials are compared by, over each setting.
        best_cfg: the best settings as a flagfile.
        lock_file: locked by the process that chooses the trials.
    """

    path: Path

    search_json = Below("search.json")
    oracle_json = Below("oracle.json")
    trials = Below("trials")
    features = Below("features")
    trials_csv = Below("trials.csv")
    trials_png = Below("trials.png")
    best_cfg = Below("best.cfg")
    lock_file = Below(".lock")

    def trial(self, number: int) -> Path:
        """Return the run folder of a trial."""
        return self.trials / f"{number:04d}"

    def record(self, number: int) -> Path:
        """Return the file that says how a trial ended."""
        return self.trials / f"{number:04d}.json"

    def winner(self, number: int) -> Path:
        """Return the run folder of the winner: the trial with this number."""
        return self.path / f"best-{number:04d}"


def at(settings: SearchConfig) -> SearchDir:
    """Return the search folder of a config."""
    if settings.search_dir is not None:
        return SearchDir(user_paths.expand(settings.search_dir))
    return SearchDir(run_dir.of(settings).beside("-search"))


def check(search: SearchDir, settings: SearchConfig) -> None:
    """Check that a folder is free, or that of a search with the same flags.

    Args:
        search: the folder.
        settings: of the search, with its space written out.

    Raises:
        errors.RunDirError: where it is something else, with the difference.
    """
    with atomic_files.explaining(search.search_json):
        if not search.search_json.exists():
            _check_free(search)
            return
    kept = _read(search)
    try:
        task = kept["config"].get("task", settings.task)
        if task != settings.task:
            _refuse(search, [f"--task: {task} -> {settings.task}"])
        before = config.from_dict(type(settings), kept["config"])
    except (KeyError, TypeError, AttributeError, errors.ConfigError) as error:
        raise errors.RunDirError(
            f"{search.search_json} is damaged, or of another kft: {error}. Choose "
            "another --search_dir."
        ) from error
    found = _differences(search, before, settings)
    if found:
        _refuse(search, found)


def settle(search: SearchDir, settings: SearchConfig, fingerprint: str) -> None:
    """Note what the search is about, or check that it is about the same.

    Args:
        search: the folder.
        settings: of the search, with its space written out.
        fingerprint: of the data.

    Raises:
        errors.RunDirError: where flags or data are others than before.
    """
    if not search.search_json.exists():
        with atomic_files.explaining(search.trials):
            search.trials.mkdir(parents=True, exist_ok=True)
        content = {
            "config": config.to_dict(_kept(settings)),
            **option_files.describe(settings),
            _FINGERPRINT: fingerprint,
        }
        atomic_files.write(search.search_json, json.dumps(content, indent=2).encode())
    # Another worker may have been quicker.
    check(search, settings)
    before = _read(search).get(_FINGERPRINT)
    if before != fingerprint:
        what = "the data: other examples, labels, splits or sizes"
        _refuse(search, [f"{what} ({before} -> {fingerprint})"])


def _differences(
    search: SearchDir, before: SearchConfig, settings: SearchConfig
) -> list[str]:
    """Return a line for each flag, and each file of a flag, that is another one."""
    same = option_files.same_elsewhere(search.search_json, before, settings)
    found = saved_config.differences(before, _kept(settings), same=same)
    # A run has read its files when it began; trials that are yet to come read them.
    for name in option_files.changed(search.search_json, settings):
        if name in same:
            path = getattr(settings, name)
            found.append(f"--{name}: {path} as it was -> as it is now")
    return found


def _kept(settings: SearchConfig) -> SearchConfig:
    """Return the settings that the trials and the winner depend on."""
    return dataclasses.replace(settings, run_dir=None, search_dir=None)


def _read(search: SearchDir) -> dict[str, Any]:
    return saved_config.read_json(search.search_json)


def _refuse(search: SearchDir, differences: list[str]) -> None:
    lines = "\n".join(f"  {line}" for line in differences)
    raise errors.RunDirError(
        f"{search.path} holds another search (old -> new):\n{lines}\nChoose another "
        "--search_dir, or repeat the flags of that search. Formats are added to its "
        f"winner with kft.export, seeds with kft.train --flagfile={search.best_cfg}."
    )


def _check_free(search: SearchDir) -> None:
    if search.path.is_file():
        raise errors.RunDirError(
            f"{search.path} is a file. Choose another --search_dir."
        )
    if not search.path.is_dir():
        return
    # Another worker may have written search.json by now.
    ours = {search.lock_file, search.trials, search.search_json}
    for entry in search.path.iterdir():
        if entry not in ours and not atomic_files.is_leftover(entry):
            raise errors.RunDirError(
                f"{search.path} is no search folder of kft: it has no search.json, and "
                f"it is not empty ({entry.name}). Choose another --search_dir."
            )
