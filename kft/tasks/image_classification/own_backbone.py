"""A network of the user's own as the backbone of a run, which keeps what it is."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kft import errors
from kft.backbones.image import own_network, vit_config, vit_folder
from kft.config import TrainConfig
from kft.config.image import GIVEN_NETWORK
from kft.data.examples import Splits

if TYPE_CHECKING:
    from kft.run_folder.run_dir import RunDir


def kept(config: TrainConfig, run: "RunDir | None" = None) -> Path | None:
    """Return the folder in which a run keeps its network; None where there is none.

    Networks of the table are not kept.

    Args:
        config: of the run.
        run: its folder where it is finished; None to look whether it has begun.
    """
    if not (config.has_own_network or config.has_folder):
        return None
    # Which reads a run's config, and so asks which tasks there are.
    from kft.run_folder import run_dir

    found = run or run_dir.of(config)
    name = vit_config.CONFIG if config.has_folder else own_network.KEPT
    if not (found.backbone / name).is_file():
        return None
    try:
        is_of_config = run_dir.read_config(found).backbone == config.backbone
    except errors.RunDirError:
        return None  # Told by who claims the folder.
    return found.backbone if is_of_config else None


def check(config: TrainConfig) -> None:
    """Check that no other process has to have what this one was given.

    Raises:
        errors.ConfigError: where one would.
    """
    if config.backbone.startswith(GIVEN_NETWORK) and config.batch_size == "auto":
        raise errors.ConfigError(
            "--batch_size=auto tries batches in a process of its own, which does not "
            "have what was given as network=. Give a number."
        )


def kept_files(config: TrainConfig, splits: Splits) -> Mapping[str, bytes]:
    """Return what a network of the user's own, or of a folder, is built from."""
    del splits
    if config.has_folder:
        return vit_folder.kept_files(config)
    if not config.has_own_network:
        return {}
    return {own_network.KEPT: own_network.find(config).source.content()}


def with_network(
    config: TrainConfig, network: Any, blocks: Mapping[str, str] | None
) -> TrainConfig:
    """Return the config with a Keras model as its backbone, see `TaskKind`.

    Raises:
        errors.ConfigError: where it names another backbone, or the model is none.
    """
    is_default = config.backbone == TrainConfig.backbone
    if not (is_default or config.backbone.startswith(GIVEN_NETWORK)):
        raise errors.ConfigError(
            f"network is given, and so is backbone={config.backbone!r}: leave one of "
            "them out."
        )
    # It starts TensorFlow.
    from kft.backbones.image import given_network

    backbone, pairs = given_network.keep(network, blocks)
    if blocks is None:
        pairs = config.blocks
    return dataclasses.replace(config, backbone=backbone, blocks=pairs)
