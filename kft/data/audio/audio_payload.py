"""Encoded sounds, as sources of examples know them. No TensorFlow."""

from kft.data.sources.payload_kind import PayloadKind

_CONVERT = "Convert {} to WAV or FLAC."
_NOT_SERVED = (
    "An exported SavedModel cannot decode {0}: it answers valid = false. Convert what "
    "it will be asked about to WAV of 16 bits."
)
# Sounds that are often met, and libsndfile does not read.
_OTHERS = ".3gp .aac .amr .m4a .mka .mkv .mov .mp4 .ra .webm .wma"

AUDIO = PayloadKind(
    name="audio",
    noun="sounds",
    file_endings=(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"),
    tfds_feature="Audio",
    tfrecord_features={
        "audio": "audio/encoded",
        "label": "audio/class/label",
        "text": "audio/class/text",
    },
    advice_on_endings={ending: _CONVERT.format(ending) for ending in _OTHERS.split()},
    caution_on_endings={
        ending: _NOT_SERVED.format(name)
        for ending, name in {
            ".flac": "FLAC",
            ".ogg": "OGG",
            ".oga": "OGG",
            ".opus": "Opus",
            ".mp3": "MP3",
            ".aif": "AIFF",
            ".aiff": "AIFF",
        }.items()
    },
)
