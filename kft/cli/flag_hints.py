"""Advice on a flag that a command has not: what is meant, or whose flag it is."""

from collections.abc import Collection
from typing import NamedTuple

from kft import config, errors
from kft.config import Config, fields


class _Meant(NamedTuple):
    """What a name stands for elsewhere.

    Attributes:
        flag: of kft that does it.
        advice: a sentence or two.
    """

    flag: str
    advice: str


def _same(flag: str) -> _Meant:
    return _Meant(flag, f"It is --{flag} here.")


_EPOCHS = _Meant(
    "stages",
    "Epochs and rate belong to a stage: --stages=head:8@1e-2 trains the head for 8 "
    "epochs at the rate 1e-2.",
)
_DATASET = _Meant("dataset", "It is --dataset=KIND:PLACE, such as folder:photos.")
_UNFREEZE = _Meant(
    "stages", "What is frozen follows from --stages=head:8@1e-2,top4:10@3e-3."
)
_RESUME = _Meant("run_dir", "Leave it out: the same command goes on with its run.")
# Names that other programs have, in lower case and with underscores.
_MEANT: dict[str, _Meant] = {
    **dict.fromkeys(("epochs", "epoch", "num_epochs", "n_epochs", "lr"), _EPOCHS),
    **dict.fromkeys(("lr0", "learning_rate", "rate", "max_epochs"), _EPOCHS),
    **dict.fromkeys(("freeze", "unfreeze", "trainable", "freeze_layers"), _UNFREEZE),
    **dict.fromkeys(("data", "data_path", "train_dir", "train_data"), _DATASET),
    **dict.fromkeys(("resume", "continue", "restart"), _RESUME),
    **dict.fromkeys(("batch", "bs", "batches"), _same("batch_size")),
    **dict.fromkeys(("model", "arch", "architecture", "net"), _same("backbone")),
    **dict.fromkeys(("img_size", "imgsz", "img", "input_size"), _same("image_size")),
    **dict.fromkeys(("output_dir", "out_dir", "save_dir", "out"), _same("run_dir")),
    **dict.fromkeys(("run", "logdir", "log_dir", "project"), _same("run_dir")),
    **dict.fromkeys(("gpu", "gpus", "device"), _same("devices")),
    **dict.fromkeys(("amp", "fp16", "half", "mixed_precision"), _same("precision")),
    **dict.fromkeys(("val_split", "val_fraction"), _same("validation_fraction")),
    **dict.fromkeys(("early_stopping", "early_stop"), _same("patience")),
    **dict.fromkeys(("pretrained", "checkpoint"), _same("weights")),
    **dict.fromkeys(("augmentation", "augmentations", "aug"), _same("augment")),
    **dict.fromkeys(("opt", "optim"), _same("optimizer")),
    **dict.fromkeys(("topk", "k"), _same("top_k")),
    **dict.fromkeys(("format", "formats"), _same("formats")),
    **dict.fromkeys(("int8", "quantization", "quantise"), _same("quantize")),
    "opset": _same("onnx_opset"),
}
# Those that come first are named first.
_COMMANDS: dict[str, type[Config]] = {
    "train": config.TrainConfig,
    "evaluate": config.EvaluateConfig,
    "predict": config.PredictConfig,
    "export": config.ExportConfig,
    "demo": config.DemoConfig,
    "report": config.ReportConfig,
    "configs": config.ConfigsConfig,
    "completion": config.CompletionConfig,
    "audit": config.AuditOptions,
    "tune": config.SearchConfig,
    "find_lr": config.RangeTestConfig,
}


def advice(name: str, legal: Collection[str]) -> str:
    """Return what may be meant by a flag that there is not.

    Args:
        name: of the flag, without dashes.
        legal: the flags that the command has.
    """
    spelled = name.lower().replace("-", "_")
    if spelled in legal:
        return f"Did you mean --{spelled}?"
    meant = _MEANT.get(spelled)
    if meant is not None and meant.flag in legal:
        return meant.advice
    owners = [
        command
        for command, owned in _COMMANDS.items()
        if spelled in fields.names(owned)
    ]
    if owners:
        return f"It belongs to `python -m kft.{owners[0]}`."
    return errors.closest(name, legal, most=0) or "--help lists the flags."
