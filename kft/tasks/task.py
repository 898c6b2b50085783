"""The seam between a kind of data and everything that trains, resumes and exports.

Everything that depends on what an example is, or on what an answer is, belongs to a
task. The rest of kft knows a `Task`, a graph with cuts, and structures of tensors.

A task has two halves, because flags are checked before TensorFlow starts. `TaskKind` is
the half without it, an entry of `kft.tasks.TASKS`: options, sources, checks. Its module
makes the other half, a `Task` of four parts: what goes in (`Inputs`), what is learned
(`Objective`), what leaves the run (`Serving`), what people see (`Display`).
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from kft.data import pipeline
from kft.data.epoch_plan import Mix
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.figures import Figures
from kft.metrics.predictions import Predictions
from kft.model.network import Network
from kft.tasks.metric import Metric
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task_kind import RecipeChoice

# One tensor, or a dict or tuple of tensors.
Tree = Any
# (payload of one example, its key) -> one input of the network.
Preprocess = pipeline.Preprocess


class Inputs(Protocol):
    """From an encoded example to what the network reads."""

    @property
    def spec(self) -> Tree:
        """Return a tf.TensorSpec for each tensor of one input, without the batch.

        A first axis of None is the steps of an input of no fixed length. Batches are
        then padded with zeros at the end of it, so a tensor that says which steps are
        real (ones) has to be among the inputs.
        """

    @property
    def is_augmented(self) -> bool:
        """Return whether a training example differs from epoch to epoch."""

    @property
    def boundaries(self) -> Sequence[int]:
        """Return the lengths that batches are padded to, ascending; () for one shape.

        A batch has the smallest of them that its longest example fits in. The last is
        the longest that an input may be.
        """

    def cache_key(self) -> Mapping[str, Any]:
        """Return what decides the inputs, as JSON can hold it."""

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples as `preprocess` reads them, with their lengths.

        Here is done once what would cost more in every epoch than reading its result:
        tokenising, framing. Where `boundaries` is empty, usually `examples` itself. In
        training each length is the longest that augmentation may give.
        """

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (payload, key) -> one input of the network.

        Args:
            training: whether it is augmented, as a pure function of the key.
        """

    def mix(self) -> Mix | None:
        """Return how pairs of training examples are mixed, None where they are not."""


class Objective(Protocol):
    """What is learned, and what is reported of it.

    Every figure is a function of sums over examples, so that it is exact whatever the
    batches, devices and workers: accuracy is hits over examples, F1 follows from true
    and false positives, an error rate is edits over words.
    """

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return shape and dtype of the target of one example, without the batch.

        int32 [] is a class, float32 [k] switches of k classes, int32 [None] a label
        for each step, or a sequence; `label_arrays.NO_LABEL` fills up a shorter one.
        """

    @property
    def monitor(self) -> Metric:
        """Return the figure that chooses the best weights; on a tie the loss does."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return what `figures` gives, in the order in which it is shown."""

    @property
    def total_names(self) -> Sequence[str]:
        """Return the names of what `totals` sums."""

    def example_weights(self, labels: np.ndarray | Ragged) -> np.ndarray | None:
        """Return how much each example counts in the loss, [n]; None for all alike.

        Where labels are per step, their number: so the loss of a batch is the mean over
        its steps, however they are shared out.
        """

    def losses(self, targets: tf.Tensor, outputs: Tree) -> tf.Tensor:
        """Return the training loss of each example, [batch], float32.

        Args:
            targets: as `target_spec` says, or where inputs are mixed the shares of the
                classes, float32 [batch, classes].
            outputs: of the network.
        """

    def totals(
        self, targets: tf.Tensor, outputs: Tree, *, training: bool
    ) -> Mapping[str, tf.Tensor]:
        """Return for each of `total_names` what each example adds, [batch], float32.

        Args:
            targets: as in `losses`.
            outputs: likewise.
            training: whether the loss that is shown is the one that is trained on,
                with smoothed labels.
        """

    def figures(self, totals: Mapping[str, float]) -> Mapping[str, float]:
        """Return the figures of the sums of `totals`, by the names in `metrics`."""

    def evaluate(self, predictions: Predictions) -> Figures:
        """Return everything that can be said of all predictions together."""

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return what answers need besides the weights: text files of the run.

        Asked once the weights are chosen; `build` of the task gets the run later.

        Args:
            predict: returns the predictions of the validation split, None where there
                is none. It takes a pass over it, so it is called only by who needs it:
                on every worker, or on none.

        Returns:
            Contents by the names of files; empty where weights are all.
        """


# A table of a flatbuffer: the number of a field -> its value. The width of a number is
# that of its NumPy type.
FlatTable = Mapping[int, Any]
# Inputs of a network, and training=False -> its outputs: a keras.Model is one.
ServedNetwork = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One way to ask a network that is served.

    Attributes:
        function: takes the tensors of `signature` as arguments of these names, in this
            order; returns outputs by name. All have the batch first.
        signature: name -> tf.TensorSpec.
        request: name -> np.ndarray, an example of what can be asked.
        notes: name -> what the tensor is, a sentence; also of outputs.
        magnified: how much more of the rounding of its arithmetic shows in the scores
            than in those of most networks; exports may differ by so much more.
        needs_tensorflow: whether no other format can have the function, such as one
            that goes on until an answer is whole.
        litert_content: name -> table `Content` of TensorFlow Lite Support's
            metadata_schema.fbs, for tensors of which it knows the kind.
    """

    function: Callable[..., Mapping[str, tf.Tensor]]
    signature: Mapping[str, tf.TensorSpec]
    request: Mapping[str, np.ndarray]
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    magnified: float = 1.0
    needs_tensorflow: bool = False
    litert_content: Mapping[str, FlatTable] = dataclasses.field(default_factory=dict)

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """Return those of the signature, in order, each with its name."""
        return [
            tf.TensorSpec(spec.shape, spec.dtype, name)
            for name, spec in self.signature.items()
        ]


class Serving(Protocol):
    """What leaves the run.

    The same scores are computed three times, each to be checked against another: in
    NumPy (`network_scores`), in the graph of `endpoints`, and by each export.
    """

    @property
    def file_endings(self) -> Sequence[str]:
        """Return the endings of the files that kft.predict takes out of a folder."""

    @property
    def file_reader(self) -> Callable[[str], bytes] | None:
        """Return what reads a file for kft.predict; None where all of it is read.

        It takes a path, and returns as much of the file as the network reads, encoded.
        It raises errors.DataError where it cannot.
        """

    @property
    def request_columns(self) -> Sequence[str]:
        """Return the columns of a table whose row is a request.

        Their texts, with a zero byte between several of them, are the payload; () where
        a request is no text.
        """

    @property
    def scores(self) -> str:
        """Return the output that has the scores.

        float32 [batch, ..., classes], zeros where there is no answer: for a request
        that is not valid, and for steps that only fill up a batch.
        """

    @property
    def activation(self) -> str | None:
        """Return the Keras activation of outputs that makes `scores`; None for more."""

    @property
    def answer_fields(self) -> Mapping[str, Sequence[str]]:
        """Return the keys of `answer`, each with the fields of the objects below it.

        Fields are for a list of objects, such as {"predictions": ("label",
        "probability")}, of which tables have up to `top_k`; () is for any other value,
        of which a tuple is of names.
        """

    def network_scores(
        self, outputs: Tree, inputs: Tree, *, temperature: float
    ) -> np.ndarray:
        """Return the output `scores` of a batch, by NumPy alone.

        Args:
            outputs: of the network.
            inputs: of the network.
            temperature: what the logits are divided by.
        """

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of answers that are the same, in [0, 1].

        Args:
            own: scores, [n, ..., classes].
            found: likewise, of the same examples.
        """

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> Mapping[str, Endpoint]:
        """Return how the network is asked, by the name of the signature.

        The first, `serving_default`, takes raw requests (tf.string [n]) and has an
        output `valid`, bool [n]. The second takes what `Inputs.preprocess` makes, for
        formats that know no strings: a dict by its keys, or one tensor.

        Args:
            model: the network, in float32, or what calls it with the same arguments.
            temperature: what the logits are divided by.
        """

    def metadata(self) -> Mapping[str, Any]:
        """Return what an export needs besides labels to be asked, as JSON can hold it.

        `from_export` of the task gets it back.
        """

    def companions(self) -> Mapping[str, bytes]:
        """Return files beside exports of tensors that make these of requests."""

    def encode(self, value: np.ndarray) -> bytes:
        """Return the payload of an example that somebody has as an array.

        Raises:
            errors.DataError: for an array of another shape, type or range, or where
                examples are no arrays.
        """

    def made_up(self, count: int) -> Sequence[bytes]:
        """Return encoded examples that are made up, the same every time.

        An export is checked by them where the examples of the run are gone, so they
        differ from each other in all that the network and `endpoints` could mistake.
        """

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> Mapping[str, Any]:
        """Return the answer for one example, as JSON can hold it.

        Args:
            outputs: `scores` at least, of one example; steps may follow that only fill
                up a batch.
            top_k: alternatives to name.
            payload: what was asked.
        """

    def card(self) -> CardText:
        """Return what a model card says of this kind of data."""

    def page(self) -> PageText:
        """Return what kft.demo says of it."""


class Display(Protocol):
    """What people see of examples and answers.

    HTML goes into pages as it is: what comes out of a file has to be escaped in it. It
    needs no other file and no script, and is as wide as what surrounds it.
    """

    def suffix(self, payload: bytes) -> str:
        """Return the ending of a file that holds an encoded example, such as .jpg."""

    def example_html(self, payload: bytes, inputs: Tree) -> str:
        """Return an example as HTML.

        Args:
            payload: the encoded example.
            inputs: what the network reads of it, without the batch; of a training
                example as it was augmented.
        """

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return what is right and what is said of an example, as HTML.

        Asked only where labels are not one class each; an empty text where how many
        steps are right is all there is to say.

        Args:
            payload: the encoded example.
            label: as the data has it, int32 [steps] or float32 [classes].
            scores: the output of the network, [steps, classes] or [classes].
        """

    @property
    def explanation(self) -> str:
        """Return what `explain` shows, as a sentence for who sees it."""

    def unexplained(self, network: Network) -> str:
        """Return why `explain` has nothing of a network: a sentence, or an empty text.

        Args:
            network: the whole of it.
        """

    def explain(
        self,
        network: Network,
        inputs: Sequence[Tree],
        *,
        targets: Sequence[Any],
        payloads: Sequence[bytes],
    ) -> Sequence[str]:
        """Return where the network looked in each example, as HTML to lay over it.

        Asked only where `unexplained` is empty.

        Args:
            network: the whole of it.
            inputs: of n examples, each without the batch and at its own length.
            targets: the answers that are asked about: n class ids, or arrays of them.
            payloads: the encoded examples.

        Returns:
            n texts.
        """

    def preview(self, inputs: Sequence[Tree], captions: Sequence[str]) -> bytes:
        """Return a PNG of n inputs of the network, as in batches, with n captions."""


class ServedTask(Protocol):
    """What an export alone knows of its task: enough to be asked."""

    @property
    def labels(self) -> LabelMap:
        """Return the classes, in index order."""

    @property
    def inputs(self) -> Inputs:
        """Return what goes in."""

    @property
    def serving(self) -> Serving:
        """Return what leaves the run."""


class Task(ServedTask, Protocol):
    """What training, evaluation, search and export know of the data."""

    @property
    def objective(self) -> Objective:
        """Return what is learned."""

    @property
    def display(self) -> Display:
        """Return what people see."""

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return what `--recipe=auto` decides about examples such as these.

        Args:
            sample: some encoded training examples; broken ones may be among them.
            given: options whose value stands, whatever would be chosen.
        """

    def network(self, weights: str | None = None) -> Network:
        """Return the network.

        Args:
            weights: what the backbone starts from; None means the run's `--weights`.
        """
