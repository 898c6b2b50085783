"""Recognisers that write tokens, one after the other, and attend to the sound."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kft.backbones.audio import speech_backbone, whisper_config
from kft.config import SpeechRecognitionConfig
from kft.data.audio import transcript_tokens
from kft.data.audio.transcript_tokens import TranscriptTokens
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks.speech_recognition import attention_network, speech_inputs
from kft.tasks.speech_recognition.attention_inputs import AttentionInputs
from kft.tasks.speech_recognition.attention_objective import AttentionObjective
from kft.tasks.speech_recognition.attention_serving import AttentionServing
from kft.tasks.speech_recognition.recogniser import Recogniser

# Not measured: of SGD. What was, is AdamW at 3e-5, which a recipe does not choose.
_RATES = (1e-3, 1e-3)


def of_run(
    config: SpeechRecognitionConfig, symbols: LabelMap, kept: Path | None
) -> Recogniser:
    """Return the recogniser of a run; see `ctc_recogniser.of_run`.

    Raises:
        errors.ConfigError: where the tokens of the backbone cannot be had.
        errors.RunDirError: where those that the run keeps are damaged.
    """
    backbone = speech_backbone.of_run(config.backbone, kept)
    tokens = tokens_of(config) if kept is None else transcript_tokens.read_kept(kept)

    def network(weights: str) -> Network:
        return attention_network.build(
            backbone, tokens, weights=weights, dropout=config.dropout
        )

    most = attention_network.sizes_of(backbone).most_tokens
    return _of_tokens(config, symbols, tokens, most_tokens=most, network=network)


def kept_files(config: SpeechRecognitionConfig, splits: Splits) -> dict[str, bytes]:
    """Return what a run keeps of its backbone, by the names of files.

    Raises:
        errors.ConfigError: where the tokens of the backbone cannot be had.
    """
    del splits
    sizes = attention_network.sizes_of(speech_backbone.get(config.backbone))
    return {**tokens_of(config).files(), **whisper_config.kept_file(sizes)}


def tokens_of(config: SpeechRecognitionConfig) -> TranscriptTokens:
    """Return the tokens of the backbone of a config.

    Raises:
        errors.ConfigError: where they cannot be had.
    """
    backbone = speech_backbone.get(config.backbone)
    return transcript_tokens.read(
        attention_network.files(backbone),
        f"--backbone={config.backbone}",
        language=config.language,
    )


def of_export(symbols: LabelMap, metadata: Mapping[str, Any]) -> Recogniser:
    """Return the recogniser of an export; see `speech_recognition.from_export`."""
    config = SpeechRecognitionConfig(seconds=metadata["seconds"])
    tokens = TranscriptTokens.from_json(metadata["tokens"])

    def network(weights: str) -> Network:
        raise ValueError(f"an export has no network that begins with {weights}")

    return _of_tokens(
        config,
        symbols,
        tokens,
        most_tokens=metadata["most_tokens"],
        network=network,
    )


def _of_tokens(
    config: SpeechRecognitionConfig,
    symbols: LabelMap,
    tokens: TranscriptTokens,
    *,
    most_tokens: int,
    network: Callable[[str], Network],
) -> Recogniser:
    objective = AttentionObjective(symbols, tokens, config.normalize)
    return Recogniser(
        inputs=AttentionInputs(config, symbols, tokens, most_tokens=most_tokens),
        objective=objective,
        serving=AttentionServing(
            config, speech_inputs.of(config), tokens, most_tokens=most_tokens
        ),
        said=objective.said,
        network=network,
        rates=_RATES,
    )
