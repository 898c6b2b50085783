"""Which examples a run sees, and how."""

import dataclasses
from typing import Literal

from kft.config.base import Config
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """Which examples, in which splits, and how one becomes an input."""

    task: Literal["image_classification"] = option(
        "image_classification", "What the network learns to do."
    )
    dataset: str = option(
        "digits",
        "Where the examples are: digits (5,000 real MNIST digits that come with the "
        "quickstart extra), folder:PATH (one sub-folder per class, or train/ and val/ "
        "with one each), csv:PATH (a table with commas or tabs: path, label, and where "
        "wanted split and group, whose images stay in one split), tfds:NAME "
        "(TensorFlow Datasets), tfrecord:GLOB (files of tf.train.Examples with encoded "
        "images).",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than path, label, split and "
        "group, such as path=file,label=species.",
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
    image_size: int | None = option(
        None,
        "Side of the square that the network sees, in pixels; default: the backbone's "
        "own.",
        minimum=16,
        maximum=2048,
    )
    max_pixels: int = option(
        100_000_000,
        "Largest image that is decoded, height times width; a larger one counts as "
        "damaged.",
        minimum=1,
    )
    on_bad_image: Literal["fail", "skip"] = option(
        "fail",
        "What to do about an image that cannot be read: fail and name it, or read "
        "everything once before training and skip what is bad (bad_images.csv).",
    )
    max_bad_fraction: float = option(
        0.01,
        "Largest share of bad images, in [0, 1], that is skipped.",
        minimum=0.0,
        maximum=1.0,
    )
    resize: Literal["crop", "pad", "squash"] = option(
        "crop",
        "How an image becomes a square: crop the middle (the ImageNet protocol), pad "
        "with black, or squash.",
    )
    augment: str = option(
        "none",
        "Augmentation of the training images: none, or names with commas between "
        "them: flip (left-right) or standard (random resized crop and flip), color, "
        "randaugment, random_erasing, mixup, cutmix. Most take a strength after @, by "
        "default color@0.4 (largest change of a factor), randaugment@9 (magnitude), "
        "random_erasing@0.25 (probability), mixup@0.2 and cutmix@1 (alpha).",
    )
    class_weight: str = option(
        "none",
        "How much an example counts in the training loss, by its class: none (all "
        "alike), balanced (n / (classes * examples of the class), so that all classes "
        "count alike), or the path of a .json or .csv file with a weight for each "
        "label. The loss that is shown, and all of validation, is without weights.",
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
    )
    seed: int = option(
        0,
        "Seed of the order, of the augmentation and of the new layers; the splits do "
        "not depend on it.",
        minimum=0,
        maximum=2**31 - 1,
    )
