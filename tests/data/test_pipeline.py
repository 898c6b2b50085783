"""What a pipeline delivers is what the plan says, however it is shared or resumed."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from kft.data import epoch_plan, examples, pipeline, sampling
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
