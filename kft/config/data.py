"""Options about the examples of a run, and how they are drawn."""

import dataclasses
from typing import ClassVar, Literal

from kft.config.base import Config
from kft.config.fields import NONE, option

DEFAULT_TASK = "image_classification"


@dataclasses.dataclass(frozen=True)
class Fold:
    """One of the equal parts that examples are cut into.

    Attributes:
        number: of the part, from 0 on.
        of: parts in all.
    """

    number: int
    of: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """Which examples, in which splits, and how often each.

    What is read from one example is for the options of a task to say. Those of them
    that mean something to everybody are named here.

    Attributes:
        bad_example_option: says `skip` or something else about examples that cannot be
            read; None where they cannot be skipped.
        augment_option: says `none` or how training examples are augmented; None where
            they cannot be.
    """

    bad_example_option: ClassVar[str | None] = None
    augment_option: ClassVar[str | None] = None

    task: str = option(DEFAULT_TASK, "What the network learns to do.")
    dataset: str = option(
        dataclasses.MISSING,
        "Where the examples are, as KIND:PLACE; which kinds there are depends on the "
        "task.",
    )
    folder_layout: Literal["auto", "classes", "splits"] = option(
        "auto",
        "What the sub-folders of a folder: data set are: classes (each of them, "
        "whatever its name), splits (train, val and test, with the classes in them), "
        "or auto (as their names say; asks where it can be either; where a "
        "metadata.csv or metadata.jsonl lists the files, that counts).",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than path, label, split and "
        "group, such as path=file,label=species; or of the metadata.csv of a folder:, "
        "where path is called file_name.",
    )
    tfrecord_features: tuple[str, ...] = option(
        (),
        "Features of tfrecord: files that are called otherwise than "
        "image=image/encoded, label=image/class/label (the number of the class) and "
        "text=image/class/text (its name).",
    )
    tfrecord_labels: str | None = option(
        None,
        "File with the class names of tfrecord: files: one per line from number 0 on, "
        "or number:name.",
    )
    webdataset_members: tuple[str, ...] = option(
        (),
        "Endings of the files in webdataset: shards that make an example, where they "
        "are not those of such files, and cls, txt or json with a key label: such as "
        "'image=input.jpg;input.png,label=json.species' (quotes for the shell).",
    )
    webdataset_labels: str | None = option(
        None,
        "File with the class names of webdataset: shards whose classes are numbers: "
        "one per line from number 0 on, or number:name.",
    )
    hf_columns: tuple[str, ...] = option(
        (),
        "Columns of an hf: data set that its types do not tell, or other ones than "
        "they tell, such as label=stars.",
    )
    tfds_features: tuple[str, ...] = option(
        (),
        "Features of a tfds: data set that its types do not tell, or another one than "
        "they tell, such as label=stars.",
    )
    data_dir: str | None = option(
        None, "Folder of prepared TensorFlow Datasets; default ~/tensorflow_datasets."
    )
    train_split: str | None = option(
        None, "TFDS split expression for training, such as train[:80%]."
    )
    validation_split: str | None = option(
        None, "TFDS split expression for validation, such as train[80%:]."
    )
    test_split: str | None = option(None, "TFDS split expression for the final test.")
    validation_fraction: float = option(
        0.2,
        "Share of each class that validates, in [0, 0.9], where the data brings no "
        "validation split of its own.",
        minimum=0.0,
        maximum=0.9,
    )
    test_fraction: float = option(
        0.0,
        "Share of each class that is kept for the final test, in [0, 0.9], where the "
        "data brings no test split of its own.",
        minimum=0.0,
        maximum=0.9,
    )
    split_file: str | None = option(
        None,
        "Table that says which example is in which split, such as the split.csv of "
        "another run: columns id and split. Examples that it does not name are left "
        "out.",
    )
    examples_per_class: int | None = option(
        None,
        "Most training examples of each class, for experiments with few; default: all. "
        "Validation and test stay whole.",
        minimum=1,
    )
    max_bad_fraction: float = option(
        0.01,
        "Largest share of bad examples, in [0, 1], that is skipped.",
        minimum=0.0,
        maximum=1.0,
    )
    class_weight: str = option(
        "none",
        "How much an example counts in the training loss, by its class: none (all "
        "alike), balanced (n / (classes * examples of the class), so that all classes "
        "count alike), or the path of a .json or .csv file with a weight for each "
        "label; of several classes it is the mean of theirs. The loss that is shown, "
        "and all of validation, is without weights.",
    )
    sampling: Literal["natural", "balanced"] = option(
        "natural",
        "How an epoch draws its examples: natural (each once) or balanced (as many of "
        "each class; examples of rare classes come several times, each time with an "
        "augmentation of its own).",
    )
    batch_size: int | Literal["auto"] = option(
        32,
        "Examples per update of the weights, over all devices and hosts together. "
        "auto: the largest power of two up to 1024 that trains; the run keeps it.",
        minimum=1,
        maximum=2**20,
    )
    seed: int = option(
        0,
        "Seed of the order, of the augmentation and of the new layers; the splits do "
        "not depend on it.",
        minimum=0,
        maximum=2**31 - 1,
    )

    @property
    def settled_batch_size(self) -> int:
        """Return the batch size, once it is a number.

        Raises:
            ValueError: while it is auto, which is settled before training begins.
        """
        if self.batch_size == "auto":
            raise ValueError("--batch_size=auto has to be settled first")
        return self.batch_size

    @property
    def skips_bad_examples(self) -> bool:
        """Return whether examples that cannot be read are skipped; else they fail."""
        return self._says(self.bad_example_option, "skip")

    @property
    def held_out_fold(self) -> Fold | None:
        """Return the part of the examples that validates in cross-validation."""
        return None

    @property
    def is_augmented(self) -> bool:
        """Return whether a training example differs from epoch to epoch."""
        option = self.augment_option
        return option is not None and not self._says(option, NONE)

    @property
    def mixes_pairs(self) -> bool:
        """Return whether two examples at a time are mixed into one input."""
        return False

    @property
    def is_multi_label(self) -> bool:
        """Return whether an example may be of several classes, or of none."""
        return False

    @property
    def class_columns(self) -> tuple[str, ...]:
        """Return the columns of a table that are classes; () for a column label."""
        return ()

    def _says(self, option: str | None, value: str) -> bool:
        return option is not None and getattr(self, option) == value
