"""Commands that start from finished runs."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from kft import errors
from kft.config.base import Config
from kft.config.fields import option

Split = Literal["train", "validation", "test"]
# Of ONNX: the newest operator set that tf2onnx 1.17 writes.
NEWEST_OPSET = 18


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinishedRunConfig(Config):
    """What every command about a finished run has."""

    run_dir: str = option(
        dataclasses.MISSING, "Folder of a finished run, as kft.train leaves it."
    )
    out: str | None = option(
        None,
        "Folder for what the command writes, in place of the run folder, such as where "
        "that is read-only.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewsConfig(Config):
    """What every command has that may answer with the mean over views."""

    tta: str | None = option(
        None,
        "Test-time augmentation: each example is answered with the mean of the "
        "probabilities over some views of it, which costs as many times the "
        "computation. flip: as it is, and mirrored; five_crop: its middle and its four "
        "corners, enlarged. Default: as it is alone.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig(ViewsConfig, FinishedRunConfig):
    """What is measured on which examples."""

    split: Split = option("validation", "Split of the run, as split.csv has it.")
    data: str | None = option(
        None,
        "Other data than the run's, written like --dataset; it may lack classes of the "
        "run. Where it has train/ and val/ folders or splits, --split chooses; "
        "otherwise all of it counts. Where it is the data of the run at another place, "
        "--split is that of the run.",
    )
    unknown: Literal["error", "skip"] = option(
        "error",
        "What becomes of examples of --data whose class the run does not know: error, "
        "or skip (they are left out and counted).",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a table of --data that are called otherwise than in the run's, "
        "such as text=review,label=stars.",
    )
    jsonl_keys: tuple[str, ...] = option((), "The same of the keys of JSON lines.")
    tfrecord_features: tuple[str, ...] = option(
        (), "The same of the features of tfrecord: files."
    )
    tfrecord_labels: str | None = option(
        None, "File with the class names of tfrecord: files of --data."
    )
    webdataset_members: tuple[str, ...] = option(
        (), "The same of the endings in webdataset: shards."
    )
    webdataset_labels: str | None = option(
        None, "File with the class names of webdataset: shards of --data."
    )
    assert_accuracy_at_least: float | None = option(
        None,
        "Fail with exit code 3 below this accuracy, in [0, 1]. A task without an "
        "accuracy is judged by the figure that chooses its weights, which may not be "
        "above this where less is better.",
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.named:
            if self.data is None:
                raise errors.ConfigError(
                    f"--{name} is about --data, which is not given. The run knows how "
                    "its own data are called."
                )

    @property
    def named(self) -> Mapping[str, tuple[str, ...] | str]:
        """What says how parts of the data are called, by the option; what is given."""
        options = (
            *("csv_columns", "jsonl_keys", "tfrecord_features", "tfrecord_labels"),
            *("webdataset_members", "webdataset_labels"),
        )
        values = {name: getattr(self, name) for name in options}
        return {name: value for name, value in values.items() if value}


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceConfig(Config):
    """What is asked: a run, or an export alone."""

    run_dir: str | None = option(
        None, "Folder of a finished run, as kft.train leaves it."
    )
    model: str | None = option(
        None,
        "In place of --run_dir: a run folder, the folder of a SavedModel, or a "
        ".tflite, .onnx or .keras file, as kft.export leaves them. A SavedModel is "
        "a program, which can read and write files: only from people you trust "
        "(SECURITY.md).",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictConfig(ViewsConfig, InferenceConfig):
    """Which files, and how the answers are written."""

    files: tuple[str, ...] = option(
        dataclasses.MISSING,
        "Files, folders (searched to any depth, sorted) and patterns such as "
        "'photos/*.jpg'; for models of texts also tables, and - for standard input.",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of tables, and keys of JSON lines, that are called otherwise than "
        "text and text_b, such as text=review.",
    )
    format: Literal["table", "jsonl", "csv"] = option(
        "table", "How the answers are written to standard output."
    )
    top_k: int = option(5, "Most answers that are shown for each file.", minimum=1)
    batch_size: int = option(32, "Files that are computed together.", minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig(ViewsConfig, FinishedRunConfig):
    """Which formats, and how they are checked."""

    formats: tuple[str, ...] = option(
        ("saved_model",), "Formats to write, of saved_model, litert, onnx and keras."
    )
    quantize: Literal["none", "float16", "dynamic", "int8"] = option(
        "none",
        "How litert makes its numbers smaller: float16 or dynamic (8 bits) for the "
        "weights alone, int8 for the arithmetic too. Other formats stay float32.",
    )
    onnx_opset: int = option(
        NEWEST_OPSET,
        "Operator set of the onnx format: an older one for what does not know the "
        "newest.",
        minimum=13,
        maximum=NEWEST_OPSET,
    )
    data: str | None = option(
        None,
        "Where the examples of the run lie now, written like --dataset; default: where "
        "the run found them.",
    )
    calibrate: bool = option(
        False,
        "Fit a temperature on the validation split, so that a probability of 0.8 is "
        "right in 8 of 10 cases. It is kept in export/calibration.json, and from then "
        "on it is in every export and in what kft.predict says; remove the file to go "
        "back.",
    )
    parity_examples: int = option(
        64,
        "Validation examples on which each export has to answer as the network does. "
        "Where they are gone, as many are made up.",
        minimum=1,
    )
    allow_disagreement: bool = option(
        False, "Keep an export that answers otherwise than the network."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.calibrate and self.tta is not None:
            raise errors.ConfigError(
                f"--calibrate with --tta={self.tta}: the temperature belongs to the "
                "run, and is fitted to its network alone. Calibrate first, without "
                "--tta; an export of views written after that has the temperature, too."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoConfig(InferenceConfig):
    """Where the page is served, and what it takes."""

    host: str = option(
        "127.0.0.1",
        "Address to listen on. With any but a loopback address, everybody who reaches "
        "this machine can ask.",
    )
    port: int = option(
        8000, "Port to listen on; 0 takes any that is free.", minimum=0, maximum=65535
    )
    top_k: int = option(5, "Most answers that are shown for each file.", minimum=1)
    max_megabytes: float = option(
        20.0, "Largest file that is taken, in MB.", minimum=0.001, maximum=1000
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfigsConfig(Config):
    """Which configs are copied."""

    out: str = option(".", "Folder that they are copied to.")
    names: tuple[str, ...] = option((), "Configs to copy; none lists them all.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompletionConfig(Config):
    """For which shell."""

    shell: Literal["bash", "zsh", "fish"] = option("bash", "Whose script is printed.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportConfig(Config):
    """One run, or several to compare."""

    run_dir: str | None = option(
        None, "Folder of a finished run, whose report.html is written again."
    )
    data: str | None = option(
        None,
        "Where the examples of the run lie now, written like --dataset; default: where "
        "the run found them.",
    )
    out: str | None = option(
        None,
        "Folder for report.html and charts/, in place of the run folder; with "
        "--compare for its page, in place of the working directory.",
    )
    doubted_labels: int | None = option(
        None,
        "Training examples whose label the network doubts most, so many of them, on "
        "the page and in doubted_labels.csv. It reads all training examples for that.",
        minimum=1,
    )
    compare: bool = option(
        False, "Compare the runs whose folders are given, at least two, without a name."
    )
    output: str = option(
        "compare.html",
        "Where --compare writes its page. Another file, such as the page of other "
        "runs, is not overwritten.",
    )
    runs: tuple[str, ...] = option((), "Run folders to compare.")
