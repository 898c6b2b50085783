"""The seam between a kind of data and everything that trains, resumes and exports."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf

from kft.data.epoch_plan import Mix
from kft.data.labels import LabelMap
from kft.model.network import Network

Preprocess = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Task(Protocol):
    """What training, evaluation, search and export know of the data.

    Attributes:
        labels: the classes, in index order.
    """

    labels: LabelMap

    @property
    def is_augmented(self) -> bool:
        """Return whether a training example differs from epoch to epoch."""

    def input_facts(self) -> dict[str, Any]:
        """Return what decides the inputs that `preprocess` makes, for cache keys."""

    def network(self, weights: str | None = None) -> Network:
        """Return the network.

        Args:
            weights: what the backbone starts from; None means the run's `--weights`.
        """

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (payload, key) -> one input of the network.

        payload is an encoded example (scalar string); key (int64 [2]) makes the
        augmentation of a training example a pure function of epoch and example.
        """

    def mix(self) -> Mix | None:
        """Return how pairs of training examples are mixed, None where they are not."""

    def suffix(self, payload: bytes) -> str:
        """Return the ending of a file that holds an encoded example, such as .jpg."""

    def shorter_side(self, payload: bytes) -> int | None:
        """Return the shorter side of an encoded image as it is stored, in pixels.

        None where it cannot be read, and for examples that are no images.
        """

    def contact_sheet(self, inputs: Any, captions: Sequence[str]) -> bytes:
        """Return a PNG that shows inputs of the network with their captions.

        Args:
            inputs: what `preprocess` makes, [n, ...].
            captions: n texts.
        """

    def losses(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the training loss of each example, [batch], float32.

        Args:
            labels: what training batches have: int32 [batch], or where inputs are mixed
                the shares of the classes, float32 [batch, classes].
            logits: of the network.
        """

    def metrics(self, labels: tf.Tensor, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what is reported of each example, [batch] each, as name -> values.

        `loss` and `accuracy` are always among them. labels are as in `losses`.
        """
