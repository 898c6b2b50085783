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
from kft.config import RangeTestConfig, RunConfig
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
from kft.training.monitoring.startup_timer import StartupTimer
from kft.training.run_context import RunContext, RunIO
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
class RangeTests:
    """All tests, and what to make of them.

    Attributes:
        config: of the run, with the choices of `--recipe=auto`.
        tests: of the stages, in their order.
        stages: the flag `--stages` with the suggested rates in place of the old ones.
    """

    config: RunConfig
    tests: tuple[StageTest, ...]
    stages: str


def find(
    config: RangeTestConfig,
    *,
    given: frozenset[str],
    reporter: Reporter,
) -> RangeTests:
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
    wanted = lr_check.wanted_stages(config.stage, run_config)
    with (
        monitoring_signals.listening() as signals,
        tempfile.TemporaryDirectory(prefix="kft-find_lr-") as scratch,
    ):
        io = RunIO(reporter, NullRecorder(), signals, StartupTimer())
        folder = RunDir(Path(scratch))
        context = _open(config, run_config, folder=folder, devices=devices, io=io)
        try:
            with (
                skip_bad_examples.naming(context),
                out_of_memory.explaining(run_config),
            ):
                tests = _test_stages(config, context, wanted)
        except errors.Interrupted as error:
            effect = "nothing is kept. The same command begins again."
            raise errors.Interrupted(error.signal, effect) from None
    return RangeTests(run_config, tests, with_rates(run_config, tests))


def with_rates(config: RunConfig, tests: Sequence[StageTest]) -> str:
    """Return the flag `--stages` with the suggested rates, where there are any."""
    found = list(config.parsed_stages)
    for test in tests:
        rate = test.suggestions.best
        if rate is not None:
            found[test.index] = dataclasses.replace(
                found[test.index], learning_rate=lr_finder_suggestions.rounded(rate)
            )
    return config_stages.format_stages(found)


def _open(
    config: RangeTestConfig,
    run_config: RunConfig,
    *,
    folder: RunDir,
    devices: Devices,
    io: RunIO,
) -> RunContext:
    """Open the run in a scratch folder, with stages that are shortened."""
    short = [
        dataclasses.replace(stage, epochs=min(stage.epochs, config.epochs_before or 1))
        for stage in run_config.parsed_stages
    ]
    run_config = dataclasses.replace(
        run_config.with_stages(short), run_dir=str(folder.path)
    )
    return setup.set_up_run(run_config, folder, devices, io=io)


def _test_stages(
    config: RangeTestConfig, context: RunContext, wanted: Sequence[int]
) -> tuple[StageTest, ...]:
    rates = lr_finder_suggestions.rates(
        config.lowest_rate, config.highest_rate, config.steps
    )
    caches = _caches(config, context)
    state, tests = RunState(), []
    for index in range(max(wanted) + 1):
        if index in wanted:
            curve = range_test.run(context, index, rates, caches)
            tests.append(
                StageTest(
                    index=index,
                    unfreeze=context.stages[index].unfreeze,
                    rate=context.peak_rate(index),
                    curve=curve,
                    suggestions=lr_finder_suggestions.suggest(curve),
                )
            )
        if index < max(wanted) and config.epochs_before:
            state = stage_runner.run_stage(
                context, Snapshot(state, {}), caches, resumed=False
            )
    return tuple(tests)


def _caches(config: RangeTestConfig, context: RunContext) -> Mapping[str, StageCache]:
    """Return the features of the trunks, each computed once for all that comes."""
    tests = range_test.lasting(context, config.steps).stages
    epochs = [a.epochs + b.epochs for a, b in zip(tests, context.stages, strict=True)]
    context = dataclasses.replace(
        context,
        stages=tuple(
            dataclasses.replace(stage, epochs=count)
            for stage, count in zip(context.stages, epochs, strict=True)
        ),
    )
    trunks = feature_cache.trunks(context, 0)
    placements = feature_cache.choose(context, trunks)
    return feature_cache.fill(context, trunks, placements).by_anchor
