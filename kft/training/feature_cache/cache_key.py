"""The name of stored features: what decides what they are, but for the payloads.

These are compared when a store is opened, see `content_digests`.
"""

import hashlib
import json

import keras
import numpy as np

from kft.model import freeze, lora, network, split
from kft.run_folder import environment
from kft.training.feature_cache.feature_store import Layout
from kft.training.run_context import RunContext


def trunk_key(context: RunContext, anchor: str, layout: Layout) -> str:
    """Return a digest of weights, preprocessing, examples, cut and storage.

    The batch shape is part of it: a convolution may round differently for another
    number of rows, and stored features are to be those of the live stage.
    """
    model = context.network.model
    below = split.ancestors(model, anchor)
    frozen = [layer for layer in model.layers if layer.name in below]
    names = {id(variable) for layer in frozen for variable in layer.variables}
    # Below a cut they have not trained yet, and add nothing.
    names -= {id(factor) for factor in lora.factors(model)}
    paths = network.stable_paths(model)
    digests = {
        path: digest
        for path, digest in freeze.digests(model).items()
        if id(paths[path]) in names
    }
    facts = {
        "anchor": anchor,
        "weights": digests,
        "inputs": context.task.inputs.cache_key(),
        "train": _ids_digest(context.splits.train.ids),
        "validation": _ids_digest(
            context.splits.validation.ids if context.splits.validation else np.array([])
        ),
        "data": context.splits.fingerprint,
        "views": context.config.cached_views,
        "rows": context.config.settled_batch_size // context.devices.replicas,
        # A worker's store has the digests of what it reads, which is its share.
        "workers": context.devices.num_workers,
        "policy": keras.config.dtype_policy().name,
        "stored": [str(dtype) for dtype in layout.stored_dtypes()],
        "boundaries": list(context.task.inputs.boundaries),
        "versions": environment.versions(),
    }
    text = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _ids_digest(ids: np.ndarray) -> str:
    return hashlib.blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()
