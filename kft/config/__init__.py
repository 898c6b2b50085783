"""Every option of a run, once: type, default, help and bounds.

A run has one flat `TrainConfig`. It is put together from parts, so that a function
says with its signature which options it reads: `load(config: DataConfig)` takes a
`TrainConfig`, or the part alone in a test.
"""

from kft.config.audit_options import AuditConfig, AuditFlags
from kft.config.base import Config, from_dict, to_dict
from kft.config.computation import RuntimeConfig
from kft.config.data import DataConfig
from kft.config.find_lr_options import FindLrConfig
from kft.config.report_options import ReportConfig
from kft.config.run import RunConfig, TrainConfig
from kft.config.run_commands import (
    DemoConfig,
    EvaluateConfig,
    ExportConfig,
    FinishedRunConfig,
    InferenceConfig,
    PredictConfig,
)
from kft.config.training import ModelConfig, OptimizerConfig
from kft.config.tune_options import TuneConfig

__all__ = [
    "InferenceConfig",
    "AuditConfig",
    "AuditFlags",
    "Config",
    "DataConfig",
    "DemoConfig",
    "EvaluateConfig",
    "ExportConfig",
    "FindLrConfig",
    "ModelConfig",
    "OptimizerConfig",
    "PredictConfig",
    "ReportConfig",
    "FinishedRunConfig",
    "RunConfig",
    "RuntimeConfig",
    "TrainConfig",
    "TuneConfig",
    "from_dict",
    "to_dict",
]
