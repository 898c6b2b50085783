"""What a pipeline delivers is what the plan says, however it is shared or resumed."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from kft.data import epoch_plan, examples, label_arrays, pipeline, sampling
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare

_N = 23
_SPAN = pipeline.Span(epochs=3)
_SAMPLING = epoch_plan.SamplingConfig(seed=1)
_SHARE = BatchShare(batch_size=6)


def _examples(n=_N):
    payloads = np.array([b"%d" % (10 * row) for row in range(2 * n)], dtype=object)
    rows = np.arange(n) * 2
    return examples.Examples(
        ids=np.array([f"example-{row}" for row in rows]),
        labels=(rows % 7).astype(np.int32),
        rows=rows.astype(np.int64),
        read=lambda chosen: tf.gather(tf.constant(payloads), chosen),
    )


def _preprocess(payload, key):
    """Return the number that a payload is, with the key that it came with."""
    number = tf.strings.to_number(payload, tf.int64)
    return tf.concat([number[None], key], axis=0)


def _train(n=_N, *, span=_SPAN, sampling=_SAMPLING, **share):
    dataset = pipeline.train_batches(
        _examples(n),
        _preprocess,
        share=BatchShare(**({"batch_size": 6} | share)),
        sampling=sampling,
        span=span,
    )
    return list(dataset.as_numpy_iterator())


def _same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b)
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_batches_hold_the_examples_of_the_plan_with_their_labels():
    batches = _train()
    assert len(batches) == 3 * 4
    for epoch in range(3):
        positions, valid = sampling.batches(
            sampling.epoch_order(_N, seed=1, epoch=epoch), 6
        )
        for number in range(4):
            inputs, labels, weights = batches[epoch * 4 + number]
            np.testing.assert_array_equal(inputs[:, 0], positions[number] * 20)
            np.testing.assert_array_equal(labels, positions[number] * 2 % 7)
            assert labels.dtype == np.int32
            assert weights.dtype == np.float32
            np.testing.assert_array_equal(weights > 0, valid[number])


def test_weights_sum_to_one_over_every_global_batch():
    for _, _, weights in _train():
        assert weights.sum() == pytest.approx(1.0)
        assert len(set(weights[weights > 0])) == 1


def test_two_iterations_give_the_same_batches():
    dataset = pipeline.train_batches(
        _examples(), _preprocess, share=_SHARE, sampling=_SAMPLING, span=_SPAN
    )
    first, second = (list(dataset.as_numpy_iterator()) for _ in range(2))
    assert _same(first, second)
    assert not _same(first, _train(sampling=epoch_plan.SamplingConfig(seed=5)))


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("batch", [0, 2, 3])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_resumed_run_gets_the_tail_of_the_whole_one(epoch, batch, replicas):
    whole = _train(replicas=replicas)
    span = pipeline.Span(epochs=3, first_epoch=epoch, first_batch=batch)
    tail = _train(span=span, replicas=replicas)
    assert _same(tail, whole[(epoch * 4 + batch) * replicas :])


@pytest.mark.parametrize("n", [1, 5, 23, 24])
def test_workers_and_replicas_together_get_what_one_device_gets(n):
    alone = _train(n, batch_size=12)
    parts = [
        _train(n, batch_size=12, worker=worker, num_workers=2, replicas=3)
        for worker in range(2)
    ]
    assert {len(part) for part in parts} == {len(alone) * 3}
    for number, batch in enumerate(alone):
        pieces = [p[number * 3 + replica] for p in parts for replica in range(3)]
        joined = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        assert _same([joined], [batch])
        assert sum(piece[2].sum() for piece in pieces) == pytest.approx(1.0)


def test_keys_depend_on_seed_epoch_and_id_alone():
    def keys(batches):
        return {
            (number // 4, row[0]): tuple(row[1:])
            for number, (inputs, _, _) in enumerate(batches)
            for row in inputs
        }

    first = keys(_train())
    assert len(set(first.values())) == 3 * _N
    other = keys(_train(sampling=epoch_plan.SamplingConfig(seed=2)))
    assert not set(first.values()) & set(other.values())


def test_keys_stay_when_examples_are_added():
    def first_keys(n):
        batches = _train(n, span=pipeline.Span(epochs=1))
        return {row[0]: tuple(row[1:]) for batch in batches for row in batch[0]}

    old, new = first_keys(_N), first_keys(_N + 9)
    assert {number: new[number] for number in old} == old


def test_what_lies_before_the_start_is_not_read():
    seen = []

    def note(rows):
        seen.extend(rows.tolist())
        return np.array([b"1"] * len(rows), dtype=object)

    watched = dataclasses.replace(
        _examples(), read=lambda rows: tf.numpy_function(note, [rows], tf.string)
    )
    dataset = pipeline.train_batches(
        watched,
        _preprocess,
        share=_SHARE,
        sampling=_SAMPLING,
        span=pipeline.Span(epochs=2, first_epoch=1, first_batch=3),
    )
    assert len(list(dataset)) == 1
    assert len(seen) == 6


def test_evaluation_is_one_pass_in_order_with_weights_of_one_and_zero():
    dataset = pipeline.eval_batches(_examples(), _preprocess, share=_SHARE)
    for _ in range(2):
        batches = list(dataset.as_numpy_iterator())
        inputs, _, weights = (
            np.concatenate(part) for part in zip(*batches, strict=True)
        )
        np.testing.assert_array_equal(inputs[:_N, 0], np.arange(_N) * 20)
        np.testing.assert_array_equal(weights, [1.0] * _N + [0.0])
        assert (inputs[:, 1:] == 0).all()


def test_iterating_again_traces_nothing_again():
    traced = []

    def preprocess(payload, key):
        traced.append(1)
        return _preprocess(payload, key)

    dataset = pipeline.eval_batches(_examples(), preprocess, share=_SHARE)
    before = len(traced)
    for _ in range(3):
        list(dataset)
    assert len(traced) == before


@pytest.mark.parametrize("replicas", [1, 3])
def test_every_shape_is_static(replicas):
    share = BatchShare(batch_size=6, replicas=replicas)
    for dataset in (
        pipeline.train_batches(
            _examples(), _preprocess, share=share, sampling=_SAMPLING, span=_SPAN
        ),
        pipeline.eval_batches(_examples(), _preprocess, share=share),
    ):
        rows = 6 // replicas
        assert dataset.element_spec == (
            tf.TensorSpec([rows, 3], tf.int64),
            tf.TensorSpec([rows], tf.int32),
            tf.TensorSpec([rows], tf.float32),
        )


def test_sharding_by_tf_data_is_off():
    dataset = pipeline.eval_batches(_examples(), _preprocess, share=_SHARE)
    assert dataset.options().experimental_distribute.auto_shard_policy == (
        tf.data.experimental.AutoShardPolicy.OFF
    )


_LENGTHS = (3, 8, 1, 5, 8, 2, 6, 4, 7)


def _sequences(labels_per_step=1):
    """Return sequences of numbers above 0, with labels from 0 for their steps."""
    rows = [np.arange(1, n + 1, dtype=np.float32) + 10 * n for n in _LENGTHS]
    payloads = tf.constant([row.tobytes() for row in rows])
    return examples.Examples(
        ids=np.array([f"sequence-{number}" for number in range(len(rows))]),
        labels=Ragged.from_rows(
            [np.arange(n * labels_per_step, dtype=np.int32) for n in _LENGTHS]
        ),
        rows=np.arange(len(rows)),
        read=lambda chosen: tf.gather(payloads, chosen),
        lengths=np.array(_LENGTHS),
    )


def _steps(payload, key):
    """Return a tensor of numbers, one of pairs, one of fixed shape and a scalar."""
    values = tf.io.decode_raw(payload, tf.float32)
    return {
        "values": values,
        "pairs": tf.stack([values, -values], axis=1),
        "key": tf.ensure_shape(key, [2]),
        "steps": tf.size(values),
    }


def _padded_batches(sequences, kind, replicas):
    share = BatchShare(batch_size=4, replicas=replicas)
    if kind == "eval":
        return pipeline.eval_batches(sequences, _steps, share=share, boundaries=(4, 8))
    return pipeline.train_batches(
        sequences,
        _steps,
        share=share,
        sampling=epoch_plan.SamplingConfig(seed=0, boundaries=(4, 8)),
        span=pipeline.Span(epochs=2),
    )


@pytest.mark.parametrize("kind", ["train", "eval"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_inputs_are_padded_with_zeros_and_labels_with_no_label(kind, replicas):
    sequences, lengths_seen = _sequences(), set()
    for inputs, labels, _ in _padded_batches(sequences, kind, replicas):
        values = inputs["values"].numpy()
        lengths_seen.add(values.shape[1])
        assert inputs["key"].shape == (4 // replicas, 2)
        for row, steps in enumerate(inputs["steps"].numpy()):
            expected = np.arange(1, steps + 1) + 10 * steps
            np.testing.assert_array_equal(values[row, :steps], expected)
            assert not values[row, steps:].any()
            pairs = inputs["pairs"][row].numpy()
            np.testing.assert_array_equal(
                pairs, np.stack([values[row], -values[row]]).T
            )
            assert labels[row, :steps].numpy().tolist() == list(range(steps))
            assert set(labels[row, steps:].numpy()) <= {label_arrays.NO_LABEL}
        assert labels.shape == values.shape and labels.dtype == tf.int32
    assert lengths_seen == {4, 8}


@pytest.mark.parametrize("kind", ["train", "eval"])
def test_labels_that_are_longer_than_inputs_have_room(kind):
    sequences = _sequences(labels_per_step=3)
    for inputs, labels, _ in _padded_batches(sequences, kind, 1):
        steps = inputs["steps"].numpy()
        assert labels.shape[1] == max(3 * steps.max(), inputs["values"].shape[1])
        for row, count in enumerate(3 * steps):
            assert labels[row, :count].numpy().tolist() == list(range(count))
            assert (labels[row, count:].numpy() == label_arrays.NO_LABEL).all()


def test_what_a_teacher_says_of_an_example_comes_with_its_label():
    taught = np.random.default_rng(0).random((_N, 4)).astype(np.float32)
    with_it = dataclasses.replace(_SAMPLING, taught=taught)
    for (inputs, targets, weights), (_, labels, plain) in zip(
        _train(sampling=with_it), _train(), strict=True
    ):
        np.testing.assert_array_equal(targets.labels, labels)
        np.testing.assert_array_equal(weights, plain)
        # The payload of an example is ten times its row, every second of which is one.
        np.testing.assert_array_equal(targets.taught, taught[inputs[:, 0] // 20])


def test_every_stored_view_of_an_example_has_what_the_teacher_says_of_it():
    taught = np.random.default_rng(0).random((_N, 4)).astype(np.float32)
    stored = dataclasses.replace(_examples(), rows=np.arange(_N))
    batches = pipeline.train_batches(
        stored,
        pipeline.Stored(lambda rows, length: rows),
        share=_SHARE,
        sampling=epoch_plan.SamplingConfig(seed=1, views=3, taught=taught),
        span=_SPAN,
    )
    seen = set()
    for rows, targets, _ in batches.as_numpy_iterator():
        np.testing.assert_array_equal(targets.taught, taught[rows % _N])
        seen |= {*(rows // _N).tolist()}
    assert seen == {0, 1, 2}
