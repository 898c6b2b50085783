"""Options about the devices and the precision of a run."""

import dataclasses
from typing import Literal

from kft.config.base import Config
from kft.config.fields import option


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
    memory_growth: bool = option(
        True,
        "Take memory of a GPU as it is needed, so that processes can share one. "
        "--nomemory_growth takes nearly all of it at the start, which leaves less "
        "of it in pieces too small to use.",
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
        "Arithmetic of the layers; weights stay float32. auto: float32, and mixed "
        "float16 on a GPU whose fast units know nothing else (Volta, Turing).",
    )
    jit: Literal["auto", "on", "off"] = option(
        "auto",
        "Compile the network with XLA, for long runs on one GPU: a stage begins later, "
        "by tens of seconds, and its steps are faster. auto: off. Compiled arithmetic "
        "rounds in its own way, and Dropout draws other numbers, so the setting is a "
        "part of a run.",
    )
    steps_per_execution: int | Literal["auto"] = option(
        "auto",
        "Steps per call from Python. auto: as many as take a quarter of a second; "
        "signals and the bar wait for the end of a call.",
        minimum=1,
        may_change=True,
    )
    deterministic: bool = option(
        False, "Bit-equal runs on one machine, at some cost in speed."
    )
    feature_cache: Literal["auto", "memory", "disk", "off"] = option(
        "auto",
        "Where the outputs of a stage's frozen trunk are kept, so that it runs once "
        "and not in every epoch; the weights at the end are the same. auto: memory or "
        "disk, as there is room, unless the examples are augmented.",
    )
    cached_views: int | None = option(
        None,
        "Augmented views of each training example to keep and use in turn, so that an "
        "augmented stage can be cached. Not where examples are mixed two by two.",
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
        may_change=True,
    )
