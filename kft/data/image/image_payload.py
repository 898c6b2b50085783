"""Encoded images, as sources of examples know them. No TensorFlow."""

from kft.data.image import optional_formats
from kft.data.sources.payload_kind import PayloadKind

_CONVERT = "Convert {} to JPEG or PNG."
_HEIC = "To read HEIC: pip install pillow-heif, or convert it to JPEG."
_AVIF = "To read AVIF: install Pillow 11.3 or newer, or convert it to JPEG."
_NOT_SERVED = (
    "An exported SavedModel cannot decode {0}: it answers valid = false. Convert what "
    "it will be asked about."
)
# Images that cameras and programs write, and nothing here reads.
_OTHERS = (
    ".arw .cr2 .cr3 .dcm .dng .eps .exr .fits .hdr .ico .jp2 .jpf .jpx .jxl .nef .npy "
    ".orf .pbm .pcx .pdf .pgm .pnm .ppm .psd .raf .raw .rw2 .svg .tga"
)
_ADVICE = {".heic": _HEIC, ".heif": _HEIC, ".avif": _AVIF} | {
    ending: _CONVERT.format(ending) for ending in _OTHERS.split()
}

IMAGES = PayloadKind(
    name="image",
    noun="images",
    file_endings=(
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".webp",
        ".tif",
        ".tiff",
        *optional_formats.endings(),
    ),
    tfds_feature="Image",
    # As TF-Slim and the TensorFlow models write them.
    tfrecord_features={
        "image": "image/encoded",
        "label": "image/class/label",
        "text": "image/class/text",
    },
    advice_on_endings=_ADVICE,
    caution_on_endings={
        ".tif": _NOT_SERVED.format("TIFF"),
        ".tiff": _NOT_SERVED.format("TIFF"),
        ".avif": _NOT_SERVED.format("AVIF"),
        ".heic": _NOT_SERVED.format("HEIC"),
        ".heif": _NOT_SERVED.format("HEIC"),
    },
)
