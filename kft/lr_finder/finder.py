"""Learning rate range tests of the stages of a run, which is left as it is.

Everything happens in a folder that is removed in the end, on weights that are put back
after each test. A test starts where its stage will: the stages before it train first,
shortened.
"""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from kft import errors
from kft.config import FindLrConfig, TrainConfig
from kft.config import stages as config_stages
from kft.distribution import runtime
from kft.distribution.replicas import Devices
from kft.lr_finder import lr_check, range_test
from kft.lr_finder import suggestions as lr_finder_suggestions
from kft.lr_finder.suggestions import Curve, Suggestions
from kft.run_folder.run_dir import RunDir
from kft.training import out_of_memory, setup, skip_bad_examples, stage_runner
from kft.training.auto import apply_recipe
from kft.training.checkpoints import Snapshot
from kft.training.feature_cache import feature_cache
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.monitoring import signals as monitoring_signals
from kft.training.monitoring.metrics_log import NullRecorder
from kft.training.monitoring.progress import Reporter
from kft.training.monitoring.signals import Interrupt
from kft.training.monitoring.startup_timer import Startup
from kft.training.run_context import Session
from kft.training.run_state import RunState


@dataclasses.dataclass(frozen=True)
class StageTest:
    """The test of one stage.

    Attributes:
        index: of the stage.
        unfreeze: what the stage is called.
        rate: peak rate that it has in `--stages`.
        curve: the loss against the rate.
        suggestions: what the curve suggests.
    """

    index: int
    unfreeze: str
    rate: float
    curve: Curve
    suggestions: Suggestions


@dataclasses.dataclass(frozen=True)
class Found:
    """All tests, and what to make of them.

    Attributes:
        config: of the run, with the choices of `--recipe=auto`.
        tests: of the stages, in their order.
        stages: the flag `--stages` with the suggested rates in place of the old ones.
    """

    config: TrainConfig
    tests: tuple[StageTest, ...]
    stages: str


def find(
    config: FindLrConfig,
    *,
    given: frozenset[str],
    reporter: Reporter,
) -> Found:
    """Test the stages of a run and return what was found.

    Args:
        config: of the run, and of the tests.
        given: fields that `--recipe=auto` leaves as they are.
        reporter: shows progress.

    Raises:
        errors.KftError: what a run of this config could raise.
    """
    lr_check.check(config)
    run_config = config.train_config()
    devices = runtime.start(run_config, seed=run_config.seed)
    run_config = apply_recipe.settle(run_config, devices, given=given, say=reporter.say)
    wanted = lr_check.wanted_stages(config.stage, run_config.stages)
    with (
        monitoring_signals.listening() as signals,
        tempfile.TemporaryDirectory(prefix="kft-find_lr-") as scratch,
    ):
        session = _open(
            config, run_config, devices, reporter, signals, RunDir(Path(scratch))
        )
        try:
            with (
                skip_bad_examples.naming(session),
                out_of_memory.explaining(run_config),
            ):
                tests = _test_stages(config, session, wanted)
        except errors.Interrupted as error:
            effect = "nothing is kept. The same command begins again."
            raise errors.Interrupted(error.signal, effect) from None
    return Found(run_config, tests, with_rates(run_config.stages, tests))


def with_rates(stages_flag: str, tests: Sequence[StageTest]) -> str:
    """Return the flag `--stages` with the suggested rates, where there are any."""
    found = list(config_stages.parse_stages(stages_flag))
    for test in tests:
        rate = test.suggestions.best
        if rate is not None:
            found[test.index] = dataclasses.replace(
                found[test.index], learning_rate=lr_finder_suggestions.rounded(rate)
            )
    return config_stages.format_stages(found)


def _open(
    config: FindLrConfig,
    run_config: TrainConfig,
    devices: Devices,
    reporter: Reporter,
    signals: Interrupt,
    scratch: RunDir,
) -> Session:
    """Open the run in the scratch folder, with stages that are shortened."""
    short = [
        dataclasses.replace(stage, epochs=min(stage.epochs, config.epochs_before or 1))
        for stage in config_stages.parse_stages(run_config.stages)
    ]
    run_config = dataclasses.replace(
        run_config, run_dir=str(scratch.path), stages=config_stages.format_stages(short)
    )
    session = setup.open_session(
        run_config,
        scratch,
        devices,
        callbacks=(),
        reporter=reporter,
        signals=signals,
        startup=Startup(),
    )
    return dataclasses.replace(session, recorder=NullRecorder())


def _test_stages(
    config: FindLrConfig, session: Session, wanted: Sequence[int]
) -> tuple[StageTest, ...]:
    rates = lr_finder_suggestions.rates(
        config.lowest_rate, config.highest_rate, config.steps
    )
    caches = _caches(config, session)
    state, tests = RunState(), []
    for index in range(max(wanted) + 1):
        if index in wanted:
            curve = range_test.run(session, index, rates, caches)
            tests.append(
                StageTest(
                    index=index,
                    unfreeze=session.stages[index].unfreeze,
                    rate=session.peak_rate(index),
                    curve=curve,
                    suggestions=lr_finder_suggestions.suggest(curve),
                )
            )
        if index < max(wanted) and config.epochs_before:
            state = stage_runner.run_stage(
                session, Snapshot(state, {}), caches, resumed=False
            )
    return tuple(tests)


def _caches(config: FindLrConfig, session: Session) -> Mapping[str, StageCache]:
    """Return the features of the trunks, each computed once for all that comes."""
    tests = range_test.lasting(session, config.steps).stages
    epochs = [a.epochs + b.epochs for a, b in zip(tests, session.stages, strict=True)]
    session = dataclasses.replace(
        session,
        stages=tuple(
            dataclasses.replace(stage, epochs=count)
            for stage, count in zip(session.stages, epochs, strict=True)
        ),
    )
    found = feature_cache.trunks(session, 0)
    filler = feature_cache.Filler(session, found, feature_cache.choose(session, found))
    return filler.finish()
