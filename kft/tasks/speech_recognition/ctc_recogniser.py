"""Recognisers that say a symbol, or nothing, at each step of the sound."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kft.backbones.audio import speech_networks
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks.speech_recognition import speech_inputs, speech_network, text_decoder
from kft.tasks.speech_recognition.ctc_objective import CtcObjective
from kft.tasks.speech_recognition.ctc_serving import CtcServing
from kft.tasks.speech_recognition.recogniser import Recogniser
from kft.tasks.speech_recognition.speech_inputs import SpeechInputs

# Measured; they need gradients that are clipped.
_RATES = (1e-1, 3e-2)


def of_run(
    config: SpeechRecognitionConfig, symbols: LabelMap, kept: Path | None
) -> Recogniser:
    """Return the recogniser of a run.

    Args:
        config: of the run.
        symbols: that texts are spelled with, without the blank of CTC.
        kept: folder with what the run keeps of its backbone; None where there is none
            yet.
    """
    decoder = text_decoder.of(config, symbols, kept)

    def said(logits: np.ndarray) -> str:
        return alphabet.text(decoder.of_logits(logits), symbols)

    def network(weights: str) -> Network:
        return speech_network.build(config, symbols=symbols, kept=kept, weights=weights)

    return Recogniser(
        inputs=SpeechInputs(config),
        objective=CtcObjective(symbols, decoder),
        serving=CtcServing(config, symbols, speech_inputs.of(config), decoder),
        said=said,
        network=network,
        rates=_RATES,
    )


def kept_files(config: SpeechRecognitionConfig, splits: Splits) -> dict[str, bytes]:
    """Return what a run keeps of its backbone and decoder, by the names of files."""
    network = speech_networks.get(config.backbone, weights=config.weights)
    return {**network.kept_files, **text_decoder.kept_files(config, splits)}


def of_export(symbols: LabelMap, metadata: Mapping[str, Any]) -> Recogniser:
    """Return the recogniser of an export; see `speech_recognition.from_export`."""
    config = SpeechRecognitionConfig(seconds=metadata["seconds"])
    return of_run(config, symbols, None)
