"""Options about the network and its training."""

import dataclasses
from typing import Literal

from kft.config import averaging
from kft.config.base import Config
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """The network."""

    backbone: str = option(
        dataclasses.MISSING,
        "Network below the head; which there are depends on the task.",
    )
    weights: str = option(
        "none", "Weights that the backbone starts from: none (random), or a path."
    )
    dropout: float = option(
        0.0,
        "Share of features dropped before the head, in [0, 0.95].",
        minimum=0.0,
        maximum=0.95,
    )

    @property
    def weights_origin(self) -> str:
        """Return where the weights of the backbone come from, for people."""
        return self.weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Config):
    """What is trained when, and by which rule."""

    stages: str = option(
        "head:5@1e-2,top4:10@3e-3",
        "What to unfreeze `:` epochs `@` peak learning rate, separated by commas. What "
        "to unfreeze: head, a block such as conv5 or block6, top<k> (the last k "
        "blocks), all. Without @ the rate is --learning_rate.",
    )
    learning_rate: float = option(
        1e-2, "Peak learning rate of the stages that name none.", minimum=0.0
    )
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop", "lion"] = option(
        "sgd", "Rule that updates the weights; a new one starts with each stage."
    )
    momentum: float = option(
        0.9, "Momentum of sgd and rmsprop, in [0, 0.999].", minimum=0.0, maximum=0.999
    )
    nesterov: bool = option(False, "Nesterov momentum (sgd).")
    weight_decay: float = option(
        0.0,
        "Decoupled weight decay, not applied to biases and normalisation parameters.",
        minimum=0.0,
    )
    schedule: Literal["cosine", "linear", "step", "constant"] = option(
        "cosine",
        "How the rate falls after the warm-up, within each stage: cosine or linear to "
        "zero, step (a tenth after each third), constant.",
    )
    warmup_fraction: float = option(
        0.1,
        "Share of a stage's steps in which the rate rises from zero, in [0, 1].",
        minimum=0.0,
        maximum=1.0,
    )
    lr_decay_per_block: float = option(
        1.0,
        "Factor on the learning rate for each block further from the head, in (0, 1].",
        minimum=1e-3,
        maximum=1.0,
    )
    lora_rank: int | None = option(
        None,
        "Rank of LoRA: each matrix of unfrozen blocks (of Dense, EinsumDense and "
        "Embedding layers) stays, and two thin ones of this rank train, where they are "
        "smaller; biases, norms, convolutions and the head train as ever. Kept weights "
        "and exports have the sums.",
        minimum=1,
    )
    batch_norm: Literal["frozen", "train"] = option(
        "frozen",
        "Whether BatchNorm layers of unfrozen blocks keep their pretrained statistics "
        "and parameters (frozen) or learn (train).",
    )
    clip_norm: float | None = option(
        None, "Largest global norm of the gradients.", minimum=1e-6
    )
    label_smoothing: float = option(
        0.0,
        "Share of the target given to all classes alike, in [0, 0.9].",
        minimum=0.0,
        maximum=0.9,
    )
    accumulation_steps: int = option(
        1,
        "Parts that a batch is cut into to save memory; the update is that of the "
        "whole batch.",
        minimum=1,
    )
    ema_decay: float | None = option(
        None,
        "Decay per step of an exponential moving average of the weights, in "
        "[0.5, 0.99999]; the average is what is validated and kept.",
        minimum=0.5,
        maximum=0.99999,
    )
    average: str = option(
        averaging.NONE,
        "Mean of the weights of several epochs of a stage: last:K of the last K, or "
        "best:K of those among the K best that make it better, added one by one. It is "
        "validated, and kept where it is the best; none for the best epoch alone.",
    )
    on_nan: Literal["stop", "recover"] = option(
        "stop",
        "What to do when the loss is NaN or infinite: stop, or go back to the last "
        "save and halve the learning rate, at most 3 times.",
    )
    patience: int | None = option(
        None,
        "Epochs without better validation after which a stage ends.",
        minimum=1,
    )
