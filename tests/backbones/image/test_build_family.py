"""Every backbone is built, counted, cut at every block, and put together again."""

import dataclasses
import gc
import itertools
import re
from collections.abc import Iterator

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from kft.backbones.image import build_family, efficientnet_lite, image_table
from kft.backbones.image.image_backbone import Backbone
from kft.model import split

# The smallest network of each family. Their numbers are compared, too: the others are
# the same blocks, more often or wider.
REPRESENTATIVES = (
    "VGG16",
    "ResNet50",
    "ResNet50V2",
    "DenseNet121",
    "InceptionV3",
    "InceptionResNetV2",
    "Xception",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "EfficientNetLite0",
    "NASNetMobile",
    "ConvNeXtTiny",
)
OTHERS = tuple(sorted(set(image_table.BACKBONES) - set(REPRESENTATIVES)))
# How Keras names the layers of a block, and what kft calls it.
OWNERS: dict[str, tuple[tuple[str, str], ...]] = {
    "VGG": ((r"(block\d)_.*", r"\1"),),
    "ResNet": ((r"(conv\d_block\d+)_.*", r"\1"),),
    "ResNetV2": ((r"(conv\d_block\d+)_.*", r"\1"), (r"post_.*", "conv5_block3")),
    "DenseNet": ((r"(conv\d_block\d+)_.*", r"\1"),),
    "InceptionV3": (
        (r"mixed9_0", "mixed9"),
        (r"mixed9_1", "mixed10"),
        (r"(mixed\d+)", r"\1"),
    ),
    "InceptionResNetV2": (
        (r"(mixed_\d[ab])", r"\1"),
        (r"(block\d+_\d+)(_.*)?", r"\1"),
        (r"conv_7b.*", "block8_10"),
    ),
    "Xception": ((r"(block(?!1_)\d+)_.*", r"\1"),),
    "MobileNet": ((r"conv_(pad|dw|pw)_(\d+)(_.*)?", r"block_\2"),),
    "MobileNetV2": (
        (r"expanded_conv_.*", "block_0"),
        (r"(block_\d+)_.*", r"\1"),
        (r"Conv_1.*|out_relu", "block_16"),
    ),
    "MobileNetV3": (
        (r"expanded_conv_(\d+)_.*", r"block_\1"),
        (r"expanded_conv_.*", "block_0"),
    ),
    "EfficientNet": ((r"(block\d[a-z])_.*", r"\1"),),
    "EfficientNetV2": ((r"(block\d[a-z])_.*", r"\1"),),
    "EfficientNetLite": ((r"(block\d[a-z])_.*", r"\1"),),
    "NASNet": (
        (r".*_stem_\d", "stem"),
        (r".*_(reduce_\d+)", r"\1"),
        (r"(?:normal|adjust|separable)_.*_(\d+)", r"cell_\1"),
    ),
    "ConvNeXt": (
        (r".*_(stage_\d_block_\d+)_.*", r"\1"),
        (r".*_downsampling_block_0", "stage_1_block_0"),
        (r".*_downsampling_block_1", "stage_2_block_0"),
        (r".*_downsampling_block_2", "stage_3_block_0"),
    ),
}


@dataclasses.dataclass(frozen=True)
class Built:
    """A network, and where its blocks begin."""

    backbone: Backbone
    model: keras.Model
    anchors: dict[str, str]

    @property
    def tensors_per_cut(self) -> int:
        return 2 if self.backbone.family == "NASNet" else 1

    @property
    def images(self) -> np.ndarray:
        return _images(self.backbone.min_image_size)


@pytest.fixture(scope="module", params=REPRESENTATIVES)
def built(request: pytest.FixtureRequest) -> Iterator[Built]:
    """Return a network of each family, built once for all tests of it."""
    keras.utils.set_random_seed(0)
    backbone = image_table.get(request.param)
    model = _build(backbone)
    yield Built(backbone, model, build_family.cut_anchors(backbone, model))
    keras.backend.clear_session()
    gc.collect()


def _build(backbone: Backbone, size: int | None = None) -> keras.Model:
    size = size or backbone.min_image_size
    images = keras.Input((size, size, 3), name="images")
    return keras.Model(images, build_family.build(backbone, images, "none"))


def _graph(name: str) -> keras.Model:
    """Return a network whose weights have shapes, and no values that cost time."""
    with keras.StatelessScope(initialize_variables=False):
        return _build(image_table.get(name))


def _images(size: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype("f4")


def _call(inputs: list, outputs: list, values: list) -> list:
    result = keras.Model(inputs, outputs)(values, training=False)
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _made(cut: list, below: list) -> list:
    """Return the tensors of a cut that are new: NASNet hands one of its two on."""
    return [t for t in cut if not any(t is known for known in below)]


def _through_every_cut(network: Built) -> np.ndarray:
    """Return the output of the blocks one after another, each fed by the cut below."""
    model = network.model
    below, values = model.inputs, [network.images]
    for anchor in network.anchors.values():
        cut = split.split_at(model, anchor).trunk.outputs
        assert len(cut) == network.tensors_per_cut
        made = _made(cut, below)
        known = [*below, *made]
        values = [*values, *_call(below, made, values)]
        place = {id(tensor): value for tensor, value in zip(known, values, strict=True)}
        below, values = cut, [place[id(tensor)] for tensor in cut]
    return np.asarray(_call(below, model.outputs, values)[0])


def _check_every_cut(network: Built) -> None:
    """Check that a block reads nothing but the cut below it."""
    model, below = network.model, network.model.inputs
    for anchor in network.anchors.values():
        cut = split.cut_tensors(model, anchor)
        assert len(cut) == network.tensors_per_cut
        # Keras refuses a graph that needs more than its inputs.
        keras.Model(below, _made(cut, below))
        below = cut
    keras.Model(below, model.outputs)


def test_the_table_has_every_network_of_keras_and_lite0() -> None:
    theirs = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(image_table.BACKBONES) == theirs | {"EfficientNetLite0"}


def test_every_family_has_a_representative() -> None:
    represented = {image_table.get(name).family for name in REPRESENTATIVES}
    assert represented == set(image_table.FAMILIES)


def test_a_network_has_its_size_and_a_cut_at_every_block(built: Built) -> None:
    _check_structure(built)


def test_the_blocks_one_after_another_are_the_network(built: Built) -> None:
    expected = np.asarray(built.model(built.images, training=False))
    assert np.ptp(expected) > 0
    np.testing.assert_array_equal(_through_every_cut(built), expected)


def test_the_halves_at_a_cut_compose_to_the_whole(built: Built) -> None:
    anchors = list(built.anchors.values())
    halves = split.split_at(built.model, anchors[len(anchors) // 2])
    assert len(halves.trunk.outputs) == built.tensors_per_cut
    at_the_cut = halves.trunk([built.images], training=False)
    at_the_cut = at_the_cut if isinstance(at_the_cut, list) else [at_the_cut]
    np.testing.assert_array_equal(
        np.asarray(halves.tail(at_the_cut, training=False)),
        np.asarray(built.model(built.images, training=False)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_larger_network_has_its_size_and_a_cut_at_every_block(name: str) -> None:
    backbone, model = image_table.get(name), _graph(name)
    network = Built(backbone, model, build_family.cut_anchors(backbone, model))
    _check_structure(network)
    _check_every_cut(network)


def _check_structure(network: Built) -> None:
    backbone, model, anchors = network.backbone, network.model, network.anchors
    assert model.count_params() == backbone.parameters
    assert tuple(anchors) == backbone.blocks.names
    _check_flat(model)
    parts = _parts(model, anchors)
    _check_partition(model, parts)
    _check_owners(backbone, model, parts)


def _check_flat(model: keras.Model) -> None:
    nested = {type(layer) for layer in model.layers if isinstance(layer, keras.Model)}
    # ConvNeXt's stem and downsampling are Sequential; no backbone is one layer.
    assert nested <= {keras.Sequential}
    names = [operation.name for operation in model.operations]
    assert len(set(names)) == len(names)
    # A layer that is used twice would have two nodes in the graph.
    nodes = sum(len(at_depth) for at_depth in model._nodes_by_depth.values())
    assert nodes == len(names)


def _parts(model: keras.Model, anchors: dict[str, str]) -> dict[str, frozenset[str]]:
    """Return the names of the layers and operations of the stem and of each block."""
    whole = frozenset(operation.name for operation in model.operations)
    below = [split.ancestors(model, anchor) for anchor in anchors.values()]
    edges = [frozenset(), *below, whole]
    assert all(lower < upper for lower, upper in itertools.pairwise(edges))
    parts = [upper - lower for lower, upper in itertools.pairwise(edges)]
    return dict(zip(["stem", *anchors], parts, strict=True))


def _check_partition(model: keras.Model, parts: dict[str, frozenset[str]]) -> None:
    weighted = {layer.name for layer in model.layers if layer.weights}
    assert all(weighted & names for part, names in parts.items() if part != "stem")
    assert sum(map(len, parts.values())) == len(model.operations)


def _check_owners(
    backbone: Backbone, model: keras.Model, parts: dict[str, frozenset[str]]
) -> None:
    """Check that a layer that is named after a block is in that block."""
    owners = {name: part for part, names in parts.items() for name in names}
    named = set()
    for layer in model.layers:
        for pattern, template in OWNERS[backbone.family]:
            match = re.fullmatch(pattern, layer.name)
            if match:
                assert owners[layer.name] == match.expand(template), layer.name
                named.add(owners[layer.name])
                break
    assert named >= set(backbone.blocks.names)


@pytest.mark.parametrize("name", ["InceptionV3", "Xception"])
def test_cuts_do_not_depend_on_what_was_built_before(name: str) -> None:
    # Unnamed layers are counted up within a process.
    backbone = image_table.get(name)
    depths = []
    for _ in range(2):
        model = _graph(name)
        anchors = build_family.cut_anchors(backbone, model)
        depths.append([len(split.ancestors(model, a)) for a in anchors.values()])
    assert depths[0] == depths[1]


def test_a_cut_is_found_where_only_an_operation_reads_it() -> None:
    images = keras.Input((4,))
    lower = keras.layers.Dense(4, name="lower")(images)
    model = keras.Model(images, lower * 2.0)
    halves = split.split_at(model, "lower")
    assert [tensor is lower for tensor in halves.trunk.outputs] == [True]


def test_cuts_are_found_below_a_head() -> None:
    backbone = image_table.get("InceptionV3")
    images = keras.Input((75, 75, 3))
    with keras.StatelessScope(initialize_variables=False):
        x = build_family.build(backbone, images, "none")
        x = keras.layers.GlobalMaxPooling2D()(keras.layers.MaxPooling2D(1)(x))
        model = keras.Model(images, keras.layers.Dense(3)(x))
    keras.backend.clear_session()
    anchors = build_family.cut_anchors(backbone, model)
    assert anchors["mixed1"] == "mixed0"
    assert len(split.ancestors(model, anchors["mixed0"])) == 19


def test_a_graph_of_another_network_has_no_such_cuts() -> None:
    model = _graph("VGG16")
    with pytest.raises(ValueError, match="has no layer"):
        build_family.cut_anchors(image_table.get("ResNet50"), model)
    with pytest.raises(ValueError, match="has no layer"):
        build_family.cut_anchors(image_table.get("InceptionV3"), model)


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0", "ConvNeXtTiny"])
def test_bytes_and_floats_are_the_same_images(name: str) -> None:
    backbone = image_table.get(name)
    pixels = _images(32).astype("uint8")
    images = keras.Input((32, 32, 3), dtype="uint8")
    of_bytes = keras.Model(images, build_family.build(backbone, images, "none"))
    of_floats = _build(backbone)
    of_floats.set_weights(of_bytes.get_weights())
    np.testing.assert_array_equal(
        np.asarray(of_bytes(pixels, training=False)),
        np.asarray(of_floats(pixels.astype("float32"), training=False)),
    )


@pytest.mark.parametrize("name", ["MobileNet", "EfficientNetB0", "EfficientNetLite0"])
def test_backbones_are_built_under_mixed_precision(name: str) -> None:
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = _build(image_table.get(name))
        features = model(_images(32), training=False)
    finally:
        keras.config.set_dtype_policy("float32")
    assert features.dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} <= {"float32", "int64"}


class _Asked(Exception):
    """Carries what Keras wanted to download."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(set(image_table.BACKBONES) - {"EfficientNetLite0"})
)
def test_the_weights_files_are_those_of_keras(name: str, monkeypatch) -> None:
    def asked(fname: str, origin: str, **options: object) -> str:
        raise _Asked(fname, origin, options.get("file_hash"))

    monkeypatch.setattr(file_utils, "get_file", asked)
    build = getattr(keras.applications, name)
    with (
        pytest.raises(_Asked) as caught,
        keras.StatelessScope(initialize_variables=False),
    ):
        build(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    keras.backend.clear_session()
    file = image_table.get(name).imagenet
    assert caught.value.args == (file.name, file.address, file.digest)


@pytest.mark.parametrize("drops", [True, False])
def test_lite0_drops_residual_branches_in_training_only(drops: bool) -> None:
    keras.utils.set_random_seed(0)
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, efficientnet_lite.features(images))
    images = _images(32)
    outputs = [np.asarray(model(images, training=drops)) for _ in range(2)]
    assert np.array_equal(outputs[0], outputs[1]) is not drops
