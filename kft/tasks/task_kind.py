"""The half of a task that needs no TensorFlow: its options, sources and checks."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kft.auditing.checks import Checks
from kft.config import RunConfig
from kft.config.stages import Blocks
from kft.data import Source
from kft.data.examples import Splits

if TYPE_CHECKING:
    # Which reads a run's config, and so asks which tasks there are.
    from kft.run_folder.run_dir import RunDir

# The config of the runs of one task.
C = TypeVar("C", bound=RunConfig)


def kept_folder(run: "RunDir | None") -> Path | None:
    """Return where a run has what `TaskKind.kept_files` said; None where it is not."""
    if run is None or not run.backbone.is_dir():
        return None
    return run.backbone


@dataclasses.dataclass(frozen=True)
class MemoryAdvice:
    """What an input costs in memory, for a run that has none left.

    Attributes:
        setting: the flag that decides it, with its value, such as `--image_size=224`.
        lines: what to change, one advice each.
    """

    setting: str
    lines: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Values:
    """Examples as a program has them in memory, besides their encoded bytes.

    Attributes:
        encode: takes an example and the config; returns its payload, or raises
            DataError for a value that is none.
        are_texts: whether a `str` is an example, and not the path of its file.
    """

    encode: Callable[[Any, Any], bytes]
    are_texts: bool = False


@dataclasses.dataclass(frozen=True)
class RecipeChoice:
    """What a task decides for `--recipe=auto`.

    Attributes:
        description: what was found out about the examples, such as "images of about 240
            pixels".
        values: by the name of the option, one of `TaskKind.recipe_fields`.
        rates: peak learning rates of the head, and of the blocks below it; with sgd, in
            batches of 32.
    """

    description: str
    values: Mapping[str, Any]
    rates: tuple[float, float] = (1e-2, 3e-3)


# What a .keras file, which has to open without kft, does not take.
OWN_LAYERS: Mapping[str, str] = {"keras": "layers of the network are kft's own"}


@dataclasses.dataclass(frozen=True)
class TaskKind(Generic[C]):
    """A task as the command line knows it, an entry of `kft.tasks.TASKS`.

    Attributes:
        name: the value of `--task`, and of `task` in a run's config.json.
        summary: what the network learns to do, one line for --help.
        config_class: the config of its runs. Its default of `task` is `name`, and it
            declares anew those common options whose default the task decides, at least
            `dataset` and `backbone`.
        sources: which kinds of `--dataset` can feed it, by what stands before the
            colon.
        blocks: returns where the network of a config can be cut; None where that is
            not known, because its backbone is not.
        check: finds mistakes in the task's own options and in those of the network, and
            raises ConfigError that names all of them.
        module: dotted name of the other half, a module with the functions
            `build(config, labels, run) -> Task`, which gets the folder of a finished
            run, None before, and
            `from_export(labels, metadata) -> ServedTask`, which gets back what
            `Serving.metadata` said. It may import TensorFlow.
        recipe_fields: options that `--recipe=auto` decides with the task's knowledge.
        searchable: its own options that kft.tune can vary: those that change neither
            the validation examples nor only where and how fast they are computed.
        memory_advice: returns what of a config costs memory, None where no option of
            the task does.
        kept_files: returns what a network of a config is built from, or its answers are
            read by, besides code and weights, as file names and contents. Its second
            argument is the data. A run keeps it (`RunDir.backbone`), so that it can be
            built where the backbone is not.
        with_network: returns a config whose backbone is a Keras model, for a program
            that has one; its other arguments are the model, without head, and its
            blocks: name -> layer whose output the block reads, or None. None where the
            task takes no such model.
        without_formats: returns which formats of exports a network of a config cannot
            be in, each with the reason, a clause. Asked before training; formats that
            do not exist may be among them.
        audit_checks: returns what kft.audit asks of the examples; None where it cannot
            look at them. Its argument has the options of the task and `AuditOptions`.
        cautions: yields what a person should know of the examples before training, a
            sentence each, such as which of them are empty. It may read some of them.
        values: how a program has an example in memory; None where labels are not one
            class each, so that they come from files only.
        views: the values of `--tta`; () where an example can be seen in one way only.
            Where there are some, `module` has `views(task, name) -> Views`, too; see
            `kft.tasks.views`.
        scores_classes: whether a network has a score of each class, once for each
            example, that another one can learn (`--teacher`).
    """

    name: str
    summary: str
    config_class: type[C]
    sources: Mapping[str, Source]
    blocks: Callable[[C], Blocks | None]
    check: Callable[[C], None]
    module: str
    recipe_fields: Sequence[str] = ()
    searchable: Sequence[str] = ()
    memory_advice: Callable[[C], MemoryAdvice | None] = lambda config: None
    kept_files: Callable[[C, Splits], Mapping[str, bytes]] = lambda config, splits: {}
    with_network: Callable[[C, Any, Mapping[str, str] | None], C] | None = None
    without_formats: Callable[[C], Mapping[str, str]] = lambda config: OWN_LAYERS
    audit_checks: Callable[[Any], Checks] | None = None
    cautions: Callable[[C, Splits], Iterable[str]] = lambda config, splits: ()
    values: Values | None = None
    views: Sequence[str] = ()
    scores_classes: bool = False

    @property
    def options(self) -> frozenset[str]:
        """Return the names of the options that only this task has."""
        common = {field.name for field in dataclasses.fields(RunConfig)}
        own = {field.name for field in dataclasses.fields(self.config_class)}
        return frozenset(own - common)
