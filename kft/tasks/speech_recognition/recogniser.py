"""The parts of the task that depend on how a network says a text."""

import dataclasses
from collections.abc import Callable

import numpy as np

from kft.model.network import Network
from kft.tasks.speech_recognition.speech_inputs import SpeechInputs
from kft.tasks.speech_recognition.speech_serving import SpeechServing
from kft.tasks.speech_recognition.transcript_objective import TranscriptObjective


@dataclasses.dataclass(frozen=True, eq=False)
class Recogniser:
    """A kind of network, for a run or an export.

    Attributes:
        inputs: what it reads.
        objective: what it learns.
        serving: what leaves the run.
        said: returns the text that the outputs for a sound say.
        network: builds it with these `--weights`.
        rates: see `kft.tasks.task_kind.RecipeChoice`.
    """

    inputs: SpeechInputs
    objective: TranscriptObjective
    serving: SpeechServing
    said: Callable[[np.ndarray], str]
    network: Callable[[str], Network]
    rates: tuple[float, float]
