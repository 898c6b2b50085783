"""The devices of a run, and how its processes speak with each other.

What a worker measures or hears (time, a signal, free memory, its disk) differs from
what the others do, yet all have to run the same collective operations in the same
order. So such facts are exchanged before anything is decided on them.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.config import RunConfig
from kft.distribution.batch_sharing import BatchShare

# Bytes travel in pieces of this many 8-byte words: 1 MiB.
_WORDS = 1 << 17
# Of what differs between workers: the characters of a value that is shown, and how
# many are named.
_SHORT = 60
_MOST_NAMED = 8
_RAISED = {
    kind.__name__: kind
    for kind in (
        errors.ConfigError,
        errors.DataError,
        errors.RunDirError,
        errors.TrainingError,
        errors.NotFiniteError,
    )
}


@dataclasses.dataclass(frozen=True)
class Devices:
    """How a step is spread over devices and processes.

    Attributes:
        strategy: TensorFlow's default strategy, which does nothing, on one device.
        num_workers: processes that train together.
        worker: rank of this process, 0 is the chief.
        addresses: HOST:PORT of each worker, where there are several.
    """

    strategy: tf.distribute.Strategy
    num_workers: int = 1
    worker: int = 0
    addresses: tuple[str, ...] = ()

    @property
    def replicas(self) -> int:
        """Return the number of replicas over all processes."""
        count: int = self.strategy.num_replicas_in_sync
        return count

    @property
    def replicas_per_worker(self) -> int:
        """Return the number of replicas of this process."""
        return self.replicas // self.num_workers

    @property
    def is_default(self) -> bool:
        """Return whether one device of one process computes, and no strategy shares."""
        with self.strategy.scope():
            return not tf.distribute.has_strategy()

    @property
    def is_chief(self) -> bool:
        """Return whether this process writes the run folder."""
        return self.worker == 0

    def share(self, batch_size: int) -> BatchShare:
        """Return what this process takes of every global batch.

        Raises:
            errors.ConfigError: where the batch cannot be shared out evenly.
        """
        return BatchShare(
            batch_size=batch_size,
            worker=self.worker,
            num_workers=self.num_workers,
            replicas=self.replicas_per_worker,
        )

    def distribute(
        self, make_dataset: Callable[[], tf.data.Dataset]
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Return a dataset each of whose elements feeds every replica once.

        With several replicas the end of the data is an error, so count the elements.

        Args:
            make_dataset: gives this process' batches, one element per replica.
        """
        if self.replicas == 1:
            return make_dataset()
        # Where it cannot be sure that there is one more element for all, TensorFlow
        # asks the workers before each step, and no shape is static any more.
        endless = tf.data.experimental.assert_cardinality(
            tf.data.experimental.INFINITE_CARDINALITY
        )
        return self.strategy.distribute_datasets_from_function(
            lambda _: make_dataset().apply(endless)
        )

    def gather_rows(self, value: Any) -> np.ndarray:
        """Return the rows that the replicas computed, in the order of the batch."""
        gathered = value if self.replicas == 1 else self._gather_function(value)
        rows: np.ndarray = gathered.numpy()
        return rows

    @functools.cached_property
    def _gather_function(self) -> Callable[[Any], tf.Tensor]:
        gather: Callable[[Any], tf.Tensor] = tf.function(
            lambda value: self.strategy.gather(value, axis=0)
        )
        return gather

    def uses_xla(self, config: RunConfig) -> bool:
        """Return whether XLA compiles what a replica computes.

        Raises:
            errors.ConfigError: for --jit=on with several devices, whose collective
                operations XLA would have to see as well.
        """
        if config.jit == "on" and self.replicas > 1:
            raise errors.ConfigError(
                f"--jit=on compiles for one device, and {self.replicas} share a batch: "
                "use --jit=auto, or --strategy=single."
            )
        # Compiling takes longer than it saves on sets of some thousand examples.
        return config.jit == "on"

    def jit(self, work: Callable[..., Any], config: RunConfig) -> Callable[..., Any]:
        """Return `work`, compiled where `uses_xla` says so."""
        if not self.uses_xla(config):
            return work
        compiled: Callable[..., Any] = tf.function(work, jit_compile=True)
        return compiled

    def exchange(self, values: Sequence[float]) -> np.ndarray:
        """Return what each worker passed, float64 [workers, values], alike on all."""
        table = np.zeros([self.num_workers, len(values)])
        table[self.worker] = values
        return self._sum(table)

    def any(self, flag: bool) -> bool:
        """Return on all workers whether one of them passed True."""
        return bool(self.exchange([flag]).any())

    def require_equal(self, facts: Mapping[str, str]) -> None:
        """Check that texts are the same on all workers.

        Args:
            facts: the same names in the same order on all workers.

        Raises:
            errors.ConfigError: on all workers, with the names of what is not, and what
                it is on this one where that is short.
        """
        # 48 bits are exact in float64.
        digests = [
            hashlib.blake2b(text.encode(), digest_size=6).digest()
            for text in facts.values()
        ]
        table = self.exchange([int.from_bytes(digest) for digest in digests])
        differs = table != table[0]
        if not differs.any():
            return
        others = workers(np.flatnonzero(differs.any(axis=1)))
        named = [
            f"{name} (here {text})" if len(text) <= _SHORT else name
            for (name, text), column in zip(facts.items(), differs.T, strict=True)
            if column.any()
        ]
        raise errors.ConfigError(
            f"{others.capitalize()} and worker 0 differ in "
            f"{', '.join(named[:_MOST_NAMED])}. Start all workers with the same "
            "command, packages, data and weights."
        )

    @contextlib.contextmanager
    def together(self, what: str) -> Iterator[None]:
        """Let no worker go on from a block that one of them did not get through.

        Args:
            what: the block does, for the message on the workers that did.

        Raises:
            errors.KftError: the worker's own, or one that names the others.
        """
        failure = None
        try:
            yield
        except errors.KftError as error:
            failure = error
        failed = np.flatnonzero(self.exchange([failure is not None])[:, 0])
        if failure is not None:
            raise failure
        if failed.size:
            raise errors.TrainingError(
                f"{workers(failed)} failed to {what}; the output there says why."
            )

    def from_chief(self, work: Callable[[], bytes]) -> bytes:
        """Return on all workers what `work` returns on the chief; the others do not.

        Raises:
            errors.KftError: on all workers, what the chief's work raised.
        """
        if self.num_workers == 1:
            return work()
        content, failure = b"", None
        if self.is_chief:
            try:
                content = work()
            except errors.KftError as error:
                failure = error
                content = json.dumps([type(error).__name__, str(error)]).encode()
        failed, length = self.exchange([failure is not None, len(content)])[0]
        content = self._broadcast(content, int(length))
        if failure is not None:
            raise failure
        if failed:
            name, message = json.loads(content)
            raise _RAISED.get(name, errors.KftError)(message)
        return content

    def _broadcast(self, content: bytes, length: int) -> bytes:
        """Return the chief's bytes; the content of the others does not count."""
        size = _WORDS * 8
        pieces = []
        for first in range(0, length, size):
            words = np.zeros(_WORDS, np.int64)
            if self.is_chief:
                piece = content[first : first + size]
                words.view(np.uint8)[: len(piece)] = np.frombuffer(piece, np.uint8)
            pieces.append(self._sum(words).tobytes())
        return b"".join(pieces)[:length]

    def _sum(self, array: np.ndarray) -> np.ndarray:
        """Return the sum of an array over the workers."""
        if self.num_workers == 1:
            return array
        total: np.ndarray = self._sum_function(tf.constant(array)).numpy()
        return total

    @functools.cached_property
    def _sum_function(self) -> Callable[[tf.Tensor], tf.Tensor]:
        def of_first_replica(tensor: tf.Tensor) -> tf.Tensor:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            is_first = replica % self.replicas_per_worker == 0
            return tf.where(is_first, tensor, tf.zeros_like(tensor))

        def total(tensor: tf.Tensor) -> tf.Tensor:
            parts = self.strategy.run(of_first_replica, args=(tensor,))
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, parts, axis=None)

        function: Callable[[tf.Tensor], tf.Tensor] = tf.function(total)
        return function


def workers(ranks: Iterable[int]) -> str:
    """Return 'worker 1' or 'workers 1, 2'."""
    numbers = [str(rank) for rank in ranks]
    return f"worker{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
