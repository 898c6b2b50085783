"""The part of images that leaves a run: signatures, answers, words about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.config import TrainConfig
from kft.data.image import array_image, decode_graph, resize
from kft.data.image.image_payload import IMAGES
from kft.tasks import decode_requests
from kft.tasks.class_answers import ClassServing
from kft.tasks.classifier_answers import SCORES, ClassifierAnswers
from kft.tasks.image_classification import weights_license
from kft.tasks.serving_texts import CardText, PageText, SnippetCode
from kft.tasks.task import Endpoint, FlatTable, ServedNetwork

_GRAY = 128
# Of TensorFlow Lite Support's metadata_schema.fbs.
_IMAGE_PROPERTIES, _RGB = np.uint8(2), np.uint8(1)
_RESIZED = {
    "crop": "the central square with {share:g} of the shorter side",
    "square": "the largest square in the middle",
    "pad": "the whole image, its aspect kept, on black",
    "squash": "the whole image, whatever its aspect",
}
# Bilinear and antialiased, as kft.data.image.resize is; a few gray levels may differ
# by one.
_FIT = {
    "crop": "PIL.ImageOps.fit({image}, ({size}, {size}), bleed={bleed:g}, method=2)",
    "square": "PIL.ImageOps.fit({image}, ({size}, {size}), method=2)",
    "pad": "PIL.ImageOps.pad({image}, ({size}, {size}), method=2)",
    "squash": "{image}.resize(({size}, {size}), resample=2)",
}
_FILE = "image.jpg"
_OPENED = f'PIL.Image.open("{_FILE}").convert("RGB")'


class ImageServing(ClassServing):
    """Probabilities of classes for images. See `kft.tasks.task.Serving`."""

    def __init__(
        self, config: TrainConfig, answers: ClassifierAnswers, *, image_size: int
    ) -> None:
        """Serve images.

        Args:
            config: its `resize` and `max_pixels`, and what the model card says.
            answers: what is said of an image.
            image_size: side of the square that the network sees, in pixels.
        """
        super().__init__(answers)
        self._config = config
        self._image_size = image_size

    @property
    def file_endings(self) -> Sequence[str]:
        """Return those of the formats that can be decoded."""
        return IMAGES.file_endings

    def read(self, payload: tf.Tensor) -> tf.Tensor:
        """Return uint8 [size, size, 3] of an encoded image, by TensorFlow's ops alone.

        Args:
            payload: tf.string [].
        """
        image = decode_graph.decode_in_graph(
            payload, max_pixels=self._config.max_pixels
        )
        return resize.resize(image, size=self._image_size, method=self._config.resize)

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for encoded images and for pixels.

        `serving_default` takes `image_bytes`, tf.string [n]: JPEG, PNG, GIF, BMP or
        WebP, any sizes, mixed. `images` takes uint8 [n, size, size, 3] of the network's
        own size; nothing is cropped or resized there. Both return what
        `ClassifierAnswers.outputs` does.
        """
        square = (self._image_size, self._image_size, 3)
        gray = tf.fill(square, tf.constant(_GRAY, tf.uint8))

        def answer_images(images: tf.Tensor) -> dict[str, tf.Tensor]:
            # Without training=False, layers whose default is True would augment (keras
            # 3.15.1, BaseImagePreprocessingLayer).
            logits = model(images, training=False)
            return self.answers.outputs(logits, temperature=temperature)

        def answer_bytes(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            blank = tf.zeros(square, tf.uint8)
            images, valid = decode_requests.decode_all(image_bytes, self.read, blank)
            logits = model(images, training=False)
            return self.answers.outputs(logits, temperature=temperature, valid=valid)

        return {
            "serving_default": Endpoint(
                answer_bytes,
                signature={"image_bytes": tf.TensorSpec([None], tf.string)},
                request={
                    "image_bytes": np.array([tf.io.encode_jpeg(gray).numpy()], object)
                },
            ),
            "images": Endpoint(
                answer_images,
                signature={"images": tf.TensorSpec([None, *square], tf.uint8)},
                request={"images": gray[None].numpy()},
                notes={
                    "images": "RGB image, 0 to 255; scaling is inside the network.",
                    self.scores: self.answers.note,
                },
                litert_content={"images": self._litert_content()},
            ),
        }

    def encode(self, value: np.ndarray) -> bytes:
        """Return uint8 [height, width, 3], or [height, width], as a BMP file."""
        return array_image.encode(value)

    def made_up(self, count: int) -> list[bytes]:
        """Return PNG and JPEG images in turn: colors that blur, of any size and shape.

        Sides are half to twice those that the network sees.
        """
        rng, found = np.random.default_rng(0), []
        bounds = max(1, self._image_size // 2), 2 * self._image_size + 1
        for number in range(count):
            coarse = rng.integers(0, 256, [*rng.integers(2, 9, 2), 3])
            smooth = tf.image.resize(coarse, rng.integers(*bounds, 2), "bicubic")
            pixels = tf.saturate_cast(smooth, tf.uint8)
            encode = tf.io.encode_jpeg if number % 2 else tf.io.encode_png
            found.append(encode(pixels).numpy())
        return found

    def metadata(self) -> dict[str, Any]:
        """Return how an encoded image becomes the input `images`.

        image_size in pixels; resize as `kft.data.image.resize` has it, with crop_share;
        max_pixels of the largest image that is decoded; and what its answers need.
        """
        return {
            "image_size": self._image_size,
            "resize": self._config.resize,
            "crop_share": resize.CROP_SHARE,
            "max_pixels": self._config.max_pixels,
            **self.answers.metadata(),
        }

    def card(self) -> CardText:
        """Return what the model card says of images."""
        size = self._image_size
        resized = _RESIZED[self._config.resize].format(share=resize.CROP_SHARE)
        return CardText(
            what="image classifier",
            purpose=f"Says {self.answers.which} an image shows",
            examples="images",
            recipe=f"augmentation {self._config.augment}",
            preprocessing=(
                f"RGB, 0 to 255, {size} x {size} pixels: {resized}, bilinear with "
                "antialiasing. Scaling is inside every export. The SavedModel also "
                "decodes and resizes: give it the bytes of the file. The others take "
                "uint8 pixels; turn images upright first (EXIF orientation)."
            ),
            limits=self.answers.limits("whatever the image shows"),
            refuses=(f"Images above {self._config.max_pixels:,} pixels are refused.",),
            pipeline_tag="image-classification",
            license=weights_license.of_weights(self._config),
            terms=weights_license.terms(self._config),
            code=self._code(),
        )

    def page(self) -> PageText:
        """Return what the demo says of images."""
        return PageText(
            title="What is on an image?",
            prompt="Drop images here, or choose files",
            accept="image/*",
            explanation="Show where the network looks (Grad-CAM of the likeliest "
            "class)",
        )

    def _code(self) -> SnippetCode:
        value = _FIT[self._config.resize].format(
            image=_OPENED, size=self._image_size, bleed=(1 - resize.CROP_SHARE) / 2
        )
        return SnippetCode(
            variable="image",
            file=_FILE,
            request="image_bytes",
            show_outputs=self.answers.show_outputs,
            modules=("PIL.Image", "PIL.ImageOps"),
            value=value,
            tensors={"images": "numpy.array(image)[None]"},
            scores=SCORES,
            show_scores=self.answers.show_scores,
        )

    def _litert_content(self) -> FlatTable:
        """Return ImageProperties: the colour space, and the size that is expected."""
        side = np.uint32(self._image_size)
        return {0: _IMAGE_PROPERTIES, 1: {0: _RGB, 1: {0: side, 1: side}}}
