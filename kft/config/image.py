"""Options about images."""

import dataclasses
import re
from typing import ClassVar, Literal

from kft.config import augmentations
from kft.config.class_options import ClassOptions
from kft.config.fields import option
from kft.config.training import ModelConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageOptions(ClassOptions):
    """Which images, and how one becomes what the network reads."""

    bad_example_option: ClassVar[str | None] = "on_bad_image"
    augment_option: ClassVar[str | None] = "augment"

    dataset: str = option(
        "digits",
        "Where the examples are: digits (5,000 real MNIST digits that come with the "
        "quickstart extra), folder:PATH (one sub-folder per class, or train/ and val/ "
        "with one each; or a metadata.csv that lists the files), csv:PATH (a table "
        "with commas or tabs: path, label, and where wanted split and group, whose "
        "images stay in one split), tfds:NAME (TensorFlow Datasets), tfrecord:GLOB "
        "(files of tf.train.Examples with encoded images), webdataset:SHARDS (tar "
        "archives with 0001.jpg and 0001.cls, such as "
        "webdataset:train-{000000..000009}.tar), hf:NAME or hf:FOLDER (a data set of "
        "Hugging Face, such as Parquet files; needs the extra hf).",
    )
    image_size: int | None = option(
        None,
        "Side of the square that the network sees, in pixels; default: the backbone's "
        "own.",
        minimum=16,
        maximum=2048,
    )
    max_pixels: int = option(
        100_000_000,
        "Largest image that is decoded, height times width; a larger one counts as "
        "damaged.",
        minimum=1,
    )
    on_bad_image: Literal["fail", "skip"] = option(
        "fail",
        "What to do about an image that cannot be read: fail and name it, or read "
        "everything once before training and skip what is bad (bad_images.csv).",
    )
    resize: Literal["crop", "square", "pad", "squash"] = option(
        "crop",
        "How an image becomes a square: crop the middle (the ImageNet protocol), the "
        "largest square in the middle, pad with black, or squash.",
    )
    augment: str = option(
        augmentations.NONE,
        "Augmentation of the training images: none, or names with commas between "
        "them: flip (left-right) or standard (random resized crop and flip), color, "
        "randaugment, random_erasing, mixup, cutmix. Most take a strength after @, by "
        "default color@0.4 (largest change of a factor), randaugment@9 (magnitude), "
        "random_erasing@0.25 (probability), mixup@0.2 and cutmix@1 (alpha).",
    )

    @property
    def mixes_pairs(self) -> bool:
        """Return whether `--augment` mixes pairs, also where it is wrong otherwise."""
        return any(name in self.augment for name in augmentations.MIXES)


# The networks of the table are called so; all else is a path.
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
# Of a network of the user's own: the ending of its file, or what stands before the
# digest of one that a program has in memory.
NETWORK_FILE, GIVEN_NETWORK = ".keras", "given:"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageModelConfig(ModelConfig):
    """The network of images."""

    backbone: str = option(
        "ResNet50",
        "Pretrained network: a model of keras.applications by its Keras name, or "
        "EfficientNetLite0 (`python -m kft.backbones` lists them), the path of a "
        ".keras file with a functional model without head, or that of a folder with a "
        "ViT, DeiT or DINOv2 as Hugging Face lays it out (config.json, "
        "preprocessor_config.json, model.safetensors).",
    )
    weights: str = option(
        "imagenet",
        "Weights that the backbone starts from: imagenet (those of the file or folder "
        "where --backbone is a path), none (random), or the path of a .h5, "
        ".weights.h5 or .keras file.",
    )
    scaling: Literal["own", "unit", "tf", "torch", "caffe"] | None = option(
        None,
        "What happens to pixels, 0 to 255, before the first layer of a .keras file, or "
        "of a folder that does not say it: "
        "own (the network scales itself), unit (0 to 1), tf (-1 to 1), torch (mean 0, "
        "deviation 1 of ImageNet) or caffe (BGR less the mean of ImageNet).",
    )
    backbone_output: str | None = option(
        None,
        "Layer of a .keras file whose output the head reads; default: the last. What "
        "is above it is left out.",
    )
    blocks: tuple[str, ...] = option(
        (),
        "Where a .keras file can be cut: NAME=LAYER with commas between them. Block "
        "NAME is what is above the output of LAYER. Default: a block for each layer "
        "that adds or concatenates branches.",
    )
    pooling: Literal["avg", "max"] = option(
        "avg", "How the feature map of the backbone becomes one vector."
    )

    @property
    def has_own_network(self) -> bool:
        """Return whether the backbone is a network of the user's own."""
        name = self.backbone
        return name.endswith(NETWORK_FILE) or name.startswith(GIVEN_NETWORK)

    @property
    def has_folder(self) -> bool:
        """Return whether the backbone is the path of a folder, if it is anything."""
        return not self.has_own_network and not _NAME.fullmatch(self.backbone)

    @property
    def weights_origin(self) -> str:
        """Return where the weights of the backbone come from, for people."""
        has_path = self.has_own_network or self.has_folder
        is_its_own = has_path and self.weights == "imagenet"
        return self.backbone if is_its_own else self.weights
