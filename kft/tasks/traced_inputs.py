"""The functions that make inputs, each traced once for all who read examples."""

from kft.data import pipeline
from kft.tasks.task import Inputs, Preprocess


class TracedInputs:
    """What `Inputs.preprocess` returns, as graphs.

    Every pass over examples has a pipeline of its own, which would trace the same
    function again.
    """

    def __init__(self, inputs: Inputs) -> None:
        """Trace nothing yet."""
        self._inputs = inputs
        self._graphs: dict[bool, Preprocess] = {}

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function from a payload to an input; see `Inputs.preprocess`."""
        # Without augmentation an input is the same, whatever it is for.
        augmented = training and self._inputs.is_augmented
        if augmented not in self._graphs:
            function = self._inputs.preprocess(training=augmented)
            self._graphs[augmented] = pipeline.traced(function)
        return self._graphs[augmented]
