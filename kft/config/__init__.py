"""Every option of a run, once: type, default, help and bounds.

A run has one flat config, a `RunConfig` with the options of its task; that of the
default task is `TrainConfig`. It is put together from parts, so that a function says
with its signature which options it reads: `load(config: DataConfig)` takes a
`TrainConfig`, or the part alone in a test.
"""

from kft.config.audio import (
    AudioClassificationConfig,
    AudioModelConfig,
    AudioOptions,
)
from kft.config.audit_options import AuditConfig, AuditOptions, AuditRunConfig
from kft.config.base import Config, from_dict, to_dict
from kft.config.class_options import ClassOptions
from kft.config.computation import RuntimeConfig
from kft.config.data import DEFAULT_TASK, DataConfig, Fold
from kft.config.distillation import DistillationConfig
from kft.config.image import ImageModelConfig, ImageOptions
from kft.config.run import RunConfig, TrainConfig
from kft.config.run_commands import (
    CompletionConfig,
    ConfigsConfig,
    DemoConfig,
    EvaluateConfig,
    ExportConfig,
    FinishedRunConfig,
    InferenceConfig,
    PredictConfig,
    ReportConfig,
    Split,
)
from kft.config.searches import (
    FindLrConfig,
    RangeTestConfig,
    SearchConfig,
    TuneConfig,
    of_task,
)
from kft.config.speech import (
    SpeechModelConfig,
    SpeechOptions,
    SpeechRecognitionConfig,
)
from kft.config.text import (
    TagOptions,
    TextClassificationConfig,
    TextModelConfig,
    TextOptions,
    TokenClassificationConfig,
)
from kft.config.training import ModelConfig, OptimizerConfig

__all__ = [
    "DEFAULT_TASK",
    "AudioClassificationConfig",
    "AudioModelConfig",
    "AudioOptions",
    "AuditConfig",
    "AuditOptions",
    "AuditRunConfig",
    "ClassOptions",
    "CompletionConfig",
    "Config",
    "ConfigsConfig",
    "DataConfig",
    "DemoConfig",
    "DistillationConfig",
    "EvaluateConfig",
    "ExportConfig",
    "FindLrConfig",
    "FinishedRunConfig",
    "Fold",
    "ImageModelConfig",
    "ImageOptions",
    "InferenceConfig",
    "ModelConfig",
    "OptimizerConfig",
    "PredictConfig",
    "RangeTestConfig",
    "ReportConfig",
    "RunConfig",
    "RuntimeConfig",
    "SearchConfig",
    "SpeechModelConfig",
    "SpeechOptions",
    "SpeechRecognitionConfig",
    "Split",
    "TagOptions",
    "TextClassificationConfig",
    "TextModelConfig",
    "TextOptions",
    "TokenClassificationConfig",
    "TrainConfig",
    "TuneConfig",
    "from_dict",
    "of_task",
    "to_dict",
]
