"""A Dockerfile beside a SavedModel: a container of TensorFlow Serving with it."""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = "Dockerfile"
# Between letters and digits that addresses, shells and Docker take as they are.
_OTHER = re.compile(r"[^a-z0-9]+")
_NAMELESS = "model"


def beside(run: str, export: Path) -> Mapping[str, str]:
    """Return a Dockerfile for the folder that an export is in, by its name.

    Args:
        run: its name; the model gets it, in small letters and digits.
        export: folder of the version that the container has.
    """
    # Loaded already, by what wrote the export.
    import tensorflow as tf

    name, version = model_name(run), export.name
    text = f"""\
# TensorFlow Serving with version {version} of this model inside. In this folder:
#
#   docker build -t {name} .
#   docker run --rm -p 8501:8501 {name}
#
# It answers at http://localhost:8501/v1/models/{name}:predict (8500 is gRPC).
# TensorFlow {tf.__version__} wrote the model: an older server may lack what it uses.
FROM tensorflow/serving
ENV MODEL_NAME={name}
COPY {version} /models/{name}/{version}
"""
    return {_NAME: text}


def model_name(run: str) -> str:
    """Return the name of a run as a server and Docker take it."""
    return _OTHER.sub("-", run.lower()).strip("-") or _NAMELESS
