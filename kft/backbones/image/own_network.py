"""Networks of the user's own: a `.keras` file, or one that a program has in memory.

What is known of one without building it, and what a run keeps of it: its architecture,
so that the run can be built where the network is not. No TensorFlow here.
"""

import dataclasses
import functools
import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors
from kft.backbones.image import admitted_layers, layer_graph
from kft.backbones.image.admitted_layers import NetworkError
from kft.backbones.image.layer_graph import LayerGraph, LayerNode
from kft.config import ImageModelConfig, user_paths
from kft.config.image import GIVEN_NETWORK
from kft.config.stages import ALL, HEAD

# What a run keeps, and a `.keras` file has.
KEPT, _CONFIG = "network.json", "config.json"
_MOST_BYTES = 64 * 2**20
_DIGEST_BYTES = 8
# Side of images, in pixels, for a network that takes any.
ANY_SIZE, LEAST_SIZE = 224, 16
_CHANNELS = 3
# Names that kft gives to layers around the backbone, and words of --stages.
_TAKEN = ("images", "head_pooling", "head_dropout", "logits")
# Only where `--scaling` adds such a layer: networks that kft has built have one too.
_SCALING = "scaling"
_WORDS = re.compile(rf"{HEAD}|{ALL}|top\d+")
_SQUASHES = ("softmax", "sigmoid")
# What zipfile and json raise over a damaged file; RecursionError is among the last.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError)


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkFile:
    """What a network is, wherever it comes from.

    Attributes:
        description: of its architecture, as Keras writes it.
        digest: of architecture and weights, in hexadecimal.
        path: of the `.keras` file with its weights, as it was when the digest was
            made; None for a network that a program has.
        weights: of each layer by its name; None where they are in a file, or gone.
    """

    description: Mapping[str, Any]
    digest: str
    path: Path | None = None
    weights: Mapping[str, Sequence[np.ndarray]] | None = None

    def content(self) -> bytes:
        """Return what a run keeps: architecture and digest, as JSON."""
        kept = {"digest": self.digest, "network": self.description}
        return json.dumps(kept, indent=1).encode()

    def weights_file(self) -> Path:
        """Return the file with the weights, which has to be the one of the digest.

        Raises:
            errors.ConfigError: where it is gone, or another one now.
        """
        if self.path is None:
            raise errors.ConfigError(
                "The weights of the network that was given as network= are not in this "
                "process: call kft.fine_tune again with the same config and network."
            )
        if not os.path.isfile(self.path):
            raise errors.ConfigError(f"--backbone={self.path}: there is no such file.")
        if _digest(self.path) != self.digest:
            raise errors.ConfigError(
                f"--backbone={self.path}: the file is not the one that the run began "
                "with. Put that one back, or start a new run in another --run_dir."
            )
        return self.path


@dataclasses.dataclass(frozen=True, eq=False)
class OwnNetwork:
    """A network that a head can be put on.

    Attributes:
        flag: how messages call it.
        source: its architecture and weights.
        graph: its layers, up to the output that the head reads.
        scaling: of RGB 0-255 before its first layer, see
            `kft.backbones.image.scaling`; None where it scales itself.
        anchors: for each block, the layer whose output ends everything below it.
    """

    flag: str
    source: NetworkFile
    graph: LayerGraph
    scaling: str | None
    anchors: Mapping[str, str]

    @property
    def image_size(self) -> int | None:
        """Return the side of the only images that it takes; None where any will do."""
        return self.graph.input_shape[1]


_GIVEN: dict[str, NetworkFile] = {}


def keep(description: Mapping[str, Any], weights: Mapping[str, Any]) -> str:
    """Keep a network as long as this process lives; return the `--backbone` of it.

    Args:
        description: see `NetworkFile`.
        weights: likewise.
    """
    found = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    found.update(json.dumps(description, sort_keys=True).encode())
    for name, arrays in weights.items():
        found.update(name.encode())
        for array in arrays:
            found.update(repr((array.shape, str(array.dtype))).encode())
            found.update(np.ascontiguousarray(array).tobytes())
    digest = found.hexdigest()
    _GIVEN[digest] = NetworkFile(description, digest, weights=weights)
    return f"{GIVEN_NETWORK}{digest}"


def find(config: ImageModelConfig, kept: Path | None = None) -> OwnNetwork:
    """Return the network of a config.

    Args:
        config: whose `has_own_network` is true.
        kept: folder in which a run keeps `KEPT`, which counts then, and the network
            need not be there; None where there is no run yet.

    Raises:
        errors.ConfigError: where there is no such network, or no head can be put on it.
    """
    flag = _flag(config)
    source = _source(config, flag) if kept is None else _kept(config, kept)
    try:
        graph = _up_to_output(layer_graph.read(source.description), config)
        _check_input(graph)
        _check_names(graph, config)
    except NetworkError as error:
        raise errors.ConfigError(f"{flag}: {error}.") from error
    return OwnNetwork(
        flag=flag,
        source=source,
        graph=graph,
        scaling=_scaling(config, flag),
        anchors=_anchors(graph, config.blocks) if config.blocks else graph.blocks(),
    )


def _kept(config: ImageModelConfig, folder: Path) -> NetworkFile:
    """Return the network that a run has kept, with weights where they still are.

    Raises:
        errors.RunDirError: where its file is damaged.
    """
    path = folder / KEPT
    is_given = config.backbone.startswith(GIVEN_NETWORK)
    try:
        found = json.loads(path.read_bytes())
        description, digest = found["network"], str(found["digest"])
        return NetworkFile(
            description,
            digest,
            path=None if is_given else _path(config),
            weights=_GIVEN[digest].weights if digest in _GIVEN else None,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise errors.RunDirError(
            f"{path} is damaged: {error!r:.200}. Restore it from a copy of the run."
        ) from error


def check_unchanged(config: ImageModelConfig, folder: Path) -> None:
    """Check that a run goes on with the network that it began with.

    Raises:
        errors.ConfigError: where the network is there, and is another one.
    """
    if not (folder / KEPT).is_file():
        return
    if config.backbone.startswith(GIVEN_NETWORK) or not os.path.isfile(_path(config)):
        return
    now, then = _source(config, _flag(config)), _kept(config, folder)
    if now.digest != then.digest:
        raise errors.ConfigError(
            f"--backbone={config.backbone}: the file is not the one that the run in "
            f"{folder.parent} began with ({then.digest} -> {now.digest}). Put that one "
            "back, or start a new run in another --run_dir."
        )


def _flag(config: ImageModelConfig) -> str:
    is_given = config.backbone.startswith(GIVEN_NETWORK)
    return "network=" if is_given else f"--backbone={config.backbone}"


def _path(config: ImageModelConfig) -> Path:
    return user_paths.expand(config.backbone)


def _source(config: ImageModelConfig, flag: str) -> NetworkFile:
    if config.backbone.startswith(GIVEN_NETWORK):
        digest = config.backbone.removeprefix(GIVEN_NETWORK)
        if digest in _GIVEN:
            return _GIVEN[digest]
        raise errors.ConfigError(
            f"--backbone={config.backbone}: this network was given to kft.fine_tune as "
            "network=, and this process does not have it. Call it again with the same "
            "config and network."
        )
    path = _path(config)
    # Not of pathlib, which raises where a name is too long.
    if not os.path.isfile(path):
        raise errors.ConfigError(f"{flag}: there is no such file.")
    try:
        status = path.stat()
        return _read(path, (status.st_mtime_ns, status.st_size))
    except NetworkError as error:
        raise errors.ConfigError(f"{flag}: {error}.") from error
    except OSError as error:
        raise errors.ConfigError(f"{flag} cannot be read: {error}.") from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, state: tuple[int, int]) -> NetworkFile:
    """Return what is in a file; `state` is another one when the file has changed."""
    del state
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(_CONFIG).file_size > _MOST_BYTES:
                raise NetworkError("the description of its network is far too large")
            found = json.loads(archive.read(_CONFIG))
            description = admitted_layers.without_training(found)
    except NetworkError:
        raise
    except _DAMAGE as error:
        raise NetworkError(
            f"expected a file that model.save({path.name!r}) of Keras 3 has written; "
            f"it is another one, or damaged ({error})"
        ) from error
    return NetworkFile(description, _digest(path), path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest[: 2 * _DIGEST_BYTES]


def _up_to_output(graph: LayerGraph, config: ImageModelConfig) -> LayerGraph:
    """Return the part that is the backbone."""
    name = config.backbone_output
    if name is None:
        _check_headless(graph)
        return graph
    if name not in graph.names:
        raise errors.ConfigError(
            f"--backbone_output={name}: the network has no such layer. "
            f"{errors.closest(name, graph.names)}"
        )
    return graph.up_to(name)


def _check_headless(graph: LayerGraph) -> None:
    """Check that the network does not end in a classifier.

    Raises:
        NetworkError: where it does; says how to cut it off.
    """
    by_name = {node.name: node for node in graph.nodes}
    last: LayerNode | None = graph.output
    while last is not None and _only_squashes(last):
        last = by_name.get(last.inputs[0])
    is_logits = last is not None and _gives_logits(last)
    if last is graph.output and not is_logits:
        return
    below = by_name.get(last.inputs[0]) if last is not None and is_logits else last
    while below is not None and below.kind == "Dropout":
        below = by_name.get(below.inputs[0])
    advice = f"--backbone_output={below.name} cuts it off" if below else "Cut it off"
    raise NetworkError(
        f"it ends in {graph.output.name!r} ({graph.output.kind}), which looks like the "
        f"head of a classifier, and kft puts a head of its own on top. {advice}; "
        f"--backbone_output={graph.output.name} keeps it"
    )


def _only_squashes(node: LayerNode) -> bool:
    is_activation = node.kind == "Activation" and node.activation in _SQUASHES
    return is_activation or node.kind in ("Softmax", "Sigmoid")


def _gives_logits(node: LayerNode) -> bool:
    return node.kind == "Dense" and node.activation in (None, "linear", *_SQUASHES)


def _check_input(graph: LayerGraph) -> None:
    shape = graph.input_shape
    if len(shape) != 4 or shape[3] != _CHANNELS or shape[1] != shape[2]:
        raise NetworkError(
            f"expected images [batch, size, size, {_CHANNELS}], square and RGB, or of "
            f"any size; it reads {list(shape)}"
        )


def _check_names(graph: LayerGraph, config: ImageModelConfig) -> None:
    around = _TAKEN if config.scaling in (None, "own") else (*_TAKEN, _SCALING)
    # The input is that of kft.
    taken = [name for name in graph.names if name in around]
    if taken:
        raise NetworkError(
            f"its layer {taken[0]!r} has the name of one that kft puts around it: give "
            "it another name"
        )


def _scaling(config: ImageModelConfig, flag: str) -> str | None:
    if config.scaling is None:
        raise errors.ConfigError(
            f"{flag}: expected --scaling too, for a network does not say which numbers "
            "its weights expect: own (0 to 255; it scales itself), unit (0 to 1), tf "
            "(-1 to 1), torch (mean 0, deviation 1 of ImageNet) or caffe (BGR less the "
            "mean of ImageNet)."
        )
    return None if config.scaling == "own" else config.scaling


def _anchors(graph: LayerGraph, pairs: Sequence[str]) -> Mapping[str, str]:
    """Return the blocks that a user has named, from the input upwards.

    Raises:
        errors.ConfigError: for a pair that is none, or a layer that is no cut.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, layer = (text.strip() for text in pair.partition("="))
        if not (name and equals and layer) or set(name) & set(":@, "):
            raise errors.ConfigError(
                f"--blocks: expected NAME=LAYER, such as upper=conv4_out, received "
                f"{pair!r}."
            )
        if _WORDS.fullmatch(name):
            raise errors.ConfigError(
                f"--blocks={pair}: {name!r} means something else in --stages: call the "
                "block otherwise."
            )
        if name in found or layer in found.values():
            twice = name if name in found else layer
            raise errors.ConfigError(f"--blocks: {twice!r} is given twice.")
        _check_cut(graph, name, layer)
        found[name] = layer
    order = {name: place for place, name in enumerate(graph.names)}
    return dict(sorted(found.items(), key=lambda item: order[item[1]]))


def _check_cut(graph: LayerGraph, name: str, layer: str) -> None:
    flag = f"--blocks={name}={layer}"
    if layer not in graph.names:
        raise errors.ConfigError(
            f"{flag}: the network has no layer {layer!r}. "
            f"{errors.closest(layer, graph.names)}"
        )
    if layer == graph.output.name:
        raise errors.ConfigError(
            f"{flag}: nothing of the network is above its last layer, so the block "
            "would be empty: name the layer below the block."
        )
    around = graph.around(layer)
    if around is not None:
        reader, read = around
        cuts = graph.cuts()
        places = {one: place for place, one in enumerate(graph.names)}
        near = sorted(cuts, key=lambda cut: abs(places[cut] - places[layer]))[:3]
        raise errors.ConfigError(
            f"{flag} is no place to cut: {reader!r} above it reads {read!r} below it. "
            f"Nearest places: {', '.join(near) or 'none'}."
        )
