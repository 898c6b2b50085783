"""A network as training sees it: a flat graph and the places where it can be cut."""

import dataclasses
import re
from collections.abc import Mapping

import keras

from kft.config import stages
from kft.model import split


@dataclasses.dataclass(frozen=True)
class Network:
    """A flat Functional graph from raw inputs to float32 logits.

    Attributes:
        model: the graph.
        blocks: names of the backbone's blocks, from the input upwards.
        anchors: for each block, the layer whose output ends everything below it.
        head_anchor: the layer whose output the head reads.
        head_is_pretrained: whether the head, too, has pretrained weights, so that the
            outputs mean something before any training.
    """

    model: keras.Model
    blocks: stages.Blocks
    anchors: Mapping[str, str]
    head_anchor: str
    head_is_pretrained: bool = False

    def anchor(self, depth: int) -> str | None:
        """Return the layer that ends the frozen part; None where all trains.

        Args:
            depth: number of trained blocks, see `kft.config.stages`.
        """
        if depth == 0:
            return self.head_anchor
        if depth > len(self.blocks.names):
            return None
        return self.anchors[self.blocks.names[-depth]]

    def distances(self) -> dict[str, int]:
        """Return for each layer how far its block is from the head.

        The head is at 0, the last block at 1, the stem at the number of blocks plus 1.
        """
        distances = {layer.name: 0 for layer in self.model.layers}
        for distance in range(1, len(self.blocks.names) + 2):
            anchor = self.anchor(distance - 1)
            if anchor is None:
                break
            distances.update(
                dict.fromkeys(split.ancestors(self.model, anchor), distance)
            )
        return distances


def stable_paths(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable of a flat graph, seed states included, by a lasting name.

    Keras counts the names of unnamed layers up within a process (`conv2d_17`), so a
    path from one process may mean another variable in the next. Here such a layer is
    known by its class and its rank among the unnamed layers of that class. Factors that
    `kft.model.lora` adds come last in a layer, so they change no other name.
    """
    paths: dict[str, keras.Variable] = {}
    counts: dict[str, int] = {}
    for layer in model.layers:
        name = layer.name
        base = _snake_case(type(layer).__name__)
        if re.fullmatch(rf"{base}(_\d+)?", name):
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}@{counts[base]}"
        for rank, variable in enumerate(sorted(layer.variables, key=_is_factor)):
            paths[f"{name}/{rank}/{variable.name}"] = variable
    return paths


def _is_factor(variable: keras.Variable) -> bool:
    # As Keras calls those of `enable_lora`.
    return bool(variable.name.startswith("lora_"))


def _snake_case(name: str) -> str:
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
