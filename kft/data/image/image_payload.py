"""Encoded images, as sources of examples know them. No TensorFlow."""

from kft.data.sources.payload_kind import PayloadKind

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
    ),
    tfds_feature="Image",
    # As TF-Slim and the TensorFlow models write them.
    tfrecord_features={
        "image": "image/encoded",
        "label": "image/class/label",
        "text": "image/class/text",
    },
)
