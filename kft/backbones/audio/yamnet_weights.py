"""The published weights of YAMNet, out of the file that holds them."""

import keras

from kft.backbones import weights as weights_files
from kft.backbones.audio import yamnet
from kft.config import user_paths


def load(model: keras.Model, weights: str) -> None:
    """Set the weights of the backbone in a graph.

    Args:
        model: a graph that `yamnet.build` is part of.
        weights: path of yamnet.h5. Its last layer, of the classes of AudioSet, is not
            read.

    Raises:
        errors.ConfigError: where the file is damaged, or of another network.
    """
    places = []
    for place, stored in yamnet.stored_names().items():
        layer = model.get_layer(place.split("/")[0])
        (variable,) = (one for one in layer.weights if place.endswith(f"/{one.name}"))
        places.append((layer, variable, stored))
    weights_files.load_places(places, user_paths.expand(weights), network="YAMNet")
