"""Every option of a run, once: type, default, help and bounds.

A run has one flat `TrainConfig`. It is put together from parts, so that a function
says with its signature which options it reads: `load(config: DataConfig)` takes a
`TrainConfig`, or the part alone in a test.
"""

import dataclasses
from typing import Any, Literal

from kft import fields
from kft.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of all configs: the fields are checked when the value is made."""

    def __post_init__(self) -> None:
        fields.check_fields(self)


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
        "wanted split and group, whose pictures stay in one split), tfds:NAME "
        "(TensorFlow Datasets).",
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
        "Largest picture that is decoded, height times width; a larger one counts as "
        "damaged.",
        minimum=1,
    )
    on_bad_image: Literal["fail", "skip"] = option(
        "fail",
        "What to do about a picture that can not be read: fail and name it, or read "
        "everything once before training and skip what is bad (bad_images.csv).",
    )
    max_bad_fraction: float = option(
        0.01,
        "Largest share of bad pictures, in [0, 1], that is skipped.",
        minimum=0.0,
        maximum=1.0,
    )
    resize: Literal["crop", "pad", "squash"] = option(
        "crop",
        "How a picture becomes a square: crop the middle (the ImageNet protocol), pad "
        "with black, or squash.",
    )
    augment: Literal["none", "flip", "standard"] = option(
        "none",
        "Augmentation of the training pictures: none, flip (left-right), standard "
        "(random resized crop and flip).",
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """The network."""

    backbone: str = option(
        "ResNet50",
        "Pretrained network: a model of keras.applications by its Keras name, or "
        "EfficientNetLite0. `python -m kft.backbones` lists them.",
    )
    weights: str = option(
        "imagenet",
        "Weights that the backbone starts from: imagenet, none (random), or the path "
        "of a .h5, .weights.h5 or .keras file.",
    )
    pooling: Literal["avg", "max"] = option(
        "avg", "How the feature map of the backbone becomes one vector."
    )
    dropout: float = option(
        0.0,
        "Share of features dropped before the head, in [0, 0.95].",
        minimum=0.0,
        maximum=0.95,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Config):
    """What is trained when, and by which rule."""

    stages: str = option(
        "head:5@1e-2,top4:10@3e-3",
        "What to unfreeze `:` epochs `@` peak learning rate, separated by commas. What "
        "to unfreeze: head, a block such as conv5 or block6, top<k> (the last k "
        "blocks), all. Without @ the rate is --learning_rate.",
    )
    learning_rate: float = option(
        1e-2, "Peak learning rate of the stages that name none.", minimum=0.0
    )
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop", "lion"] = option(
        "sgd", "Rule that updates the weights; a new one starts with each stage."
    )
    momentum: float = option(
        0.9, "Momentum of sgd and rmsprop, in [0, 0.999].", minimum=0.0, maximum=0.999
    )
    nesterov: bool = option(False, "Nesterov momentum (sgd).")
    weight_decay: float = option(
        0.0,
        "Decoupled weight decay, not applied to biases and normalisation parameters.",
        minimum=0.0,
    )
    schedule: Literal["cosine", "linear", "step", "constant"] = option(
        "cosine",
        "How the rate falls after the warm-up, within each stage: cosine or linear to "
        "zero, step (a tenth after each third), constant.",
    )
    warmup_fraction: float = option(
        0.1,
        "Share of a stage's steps in which the rate rises from zero, in [0, 1].",
        minimum=0.0,
        maximum=1.0,
    )
    lr_decay_per_block: float = option(
        1.0,
        "Factor on the learning rate for each block further from the head, in (0, 1].",
        minimum=1e-3,
        maximum=1.0,
    )
    batch_norm: Literal["frozen", "train"] = option(
        "frozen",
        "Whether BatchNorm layers of unfrozen blocks keep their ImageNet statistics "
        "and parameters (frozen) or learn (train).",
    )
    clip_norm: float | None = option(
        None, "Largest global norm of the gradients.", minimum=1e-6
    )
    label_smoothing: float = option(
        0.0,
        "Share of the target given to all classes alike, in [0, 0.9].",
        minimum=0.0,
        maximum=0.9,
    )
    accumulation_steps: int = option(
        1,
        "Parts that a batch is cut into to save memory; the update is that of the "
        "whole batch.",
        minimum=1,
    )
    ema_decay: float | None = option(
        None,
        "Decay per step of an exponential moving average of the weights, in "
        "[0.5, 0.99999]; the average is what is validated and kept.",
        minimum=0.5,
        maximum=0.99999,
    )
    on_nan: Literal["stop", "recover"] = option(
        "stop",
        "What to do when the loss is NaN or infinite: stop, or go back to the last save "
        "and halve the learning rate, at most 3 times.",
    )
    patience: int | None = option(
        None,
        "Epochs without a better validation accuracy after which a stage ends.",
        minimum=1,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RuntimeConfig(Config):
    """Where and how the computation runs."""

    strategy: Literal["auto", "single", "mirrored", "multi_worker", "tpu"] = option(
        "auto",
        "auto: several workers (TF_CONFIG, Slurm or --coordinator) -> multi_worker; "
        "several devices -> mirrored; else single. tpu is experimental.",
    )
    devices: str | None = option(
        None,
        "Devices of each process: a number of GPUs such as 2 or gpu:2, or cpu:N for N "
        "logical CPUs; default: all GPUs, else one CPU.",
        may_change=True,
    )
    coordinator: str | None = option(
        None,
        "HOST:PORT of the first worker, the same for all of them, where neither "
        "TF_CONFIG nor Slurm says who takes part; worker I listens at PORT + I.",
        may_change=True,
    )
    num_workers: int | None = option(
        None,
        "Processes that train together, with --coordinator.",
        minimum=1,
        may_change=True,
    )
    worker_index: int | None = option(
        None,
        "Which of the workers this process is, from 0, with --coordinator.",
        minimum=0,
        may_change=True,
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "auto",
        "Arithmetic of the layers; weights stay float32. auto: float32 on a CPU, mixed "
        "bfloat16 or float16 on a GPU that is faster with it.",
    )
    deterministic: bool = option(
        False, "Bit-equal runs on one machine, at some cost in speed."
    )
    feature_cache: Literal["auto", "memory", "disk", "off"] = option(
        "auto",
        "Where the outputs of a stage's frozen trunk are kept, so that it runs once "
        "and not in every epoch; the weights at the end are the same. auto: memory or "
        "disk, as there is room, unless the pictures are augmented.",
    )
    cached_views: int | None = option(
        None,
        "Augmented views of each training example to keep and use in turn, so that an "
        "augmented stage can be cached.",
        minimum=1,
        maximum=100,
    )
    cache_dtype: Literal["float32", "float16"] = option(
        "float32",
        "How kept features are stored; float16 takes half the room and rounds them to "
        "3 digits.",
    )
    cache_dir: str | None = option(
        None,
        "Folder for features on disk that several runs share; default: in the run "
        "folder.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig(DataConfig, ModelConfig, OptimizerConfig, RuntimeConfig):
    """Everything that decides a run, and where it is written."""

    run_dir: str | None = option(
        None,
        "Run folder; default runs/DATASET-BACKBONE below the working directory.",
        may_change=True,
    )
    checkpoint_minutes: float = option(
        10.0,
        "Longest time between two saves of the state, in minutes; it is saved after "
        "every epoch as well.",
        minimum=0.0,
        may_change=True,
    )
    export: tuple[str, ...] = option(
        ("saved_model",), "Formats written at the end of training; empty for none."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(Config):
    """What every command about a finished run has."""

    run_dir: str = option(
        dataclasses.MISSING, "Folder of a finished run, as kft.train leaves it."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig(RunConfig):
    """What is measured on which examples."""

    split: Literal["train", "validation", "test"] = option(
        "validation", "Split of the run, as split.csv has it."
    )
    data: str | None = option(
        None,
        "Other data than the run's, written like --dataset: its classes have to be "
        "classes of the run. Where it has train/ and val/ folders or splits, --split "
        "chooses; otherwise all of it counts.",
    )
    assert_accuracy_at_least: float | None = option(
        None,
        "Fail with exit code 1 below this accuracy, in [0, 1].",
        minimum=0.0,
        maximum=1.0,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictConfig(RunConfig):
    """Which pictures, and how the answers are written."""

    files: tuple[str, ...] = option(
        dataclasses.MISSING,
        "Pictures, folders (searched to any depth, sorted) and patterns such as "
        "'photos/*.jpg'.",
    )
    format: Literal["table", "jsonl", "csv"] = option(
        "table", "How the answers are written to standard output."
    )
    top_k: int = option(5, "Classes that are shown for each picture.", minimum=1)
    batch_size: int = option(32, "Pictures that are computed together.", minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig(RunConfig):
    """Which formats, and how they are checked."""

    formats: tuple[str, ...] = option(
        ("saved_model",), "Formats to write, of saved_model, litert and onnx."
    )
    quantize: Literal["none", "float16", "dynamic", "int8"] = option(
        "none",
        "How litert makes its numbers smaller: float16 or dynamic (8 bits) for the "
        "weights alone, int8 for the arithmetic too. Other formats stay float32.",
    )
    calibrate: bool = option(
        False,
        "Fit a temperature on the validation split, so that a probability of 0.8 is "
        "right in 8 of 10 cases, and build it into the exports.",
    )
    parity_examples: int = option(
        64,
        "Validation pictures on which each export has to answer as the network does.",
        minimum=1,
    )
    allow_disagreement: bool = option(
        False, "Keep an export that answers otherwise than the network."
    )


def to_dict(config: Config) -> dict[str, Any]:
    """Return the fields of a config as JSON can hold them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(config).items()
    }


def from_dict(config_class: type[Config], values: dict[str, Any]) -> Any:
    """Return a config from what `to_dict` gave.

    Raises:
        TypeError: where a name is not a field.
        errors.ConfigError: where a value is not legal.
    """
    return config_class(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    )
