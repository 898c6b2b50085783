"""DeepSpeech 2 at random weights: padding, statistics, directions, cuts, parameters."""

import keras
import numpy as np
import pytest
import scipy.signal

from kft.backbones.audio import deep_speech_2, deep_speech_2_sizes, speech_backbone
from kft.backbones.audio.deep_speech_2_sizes import ConvolutionSizes, DeepSpeech2Sizes
from kft.model import split

SIZES = DeepSpeech2Sizes(
    convolutions=(
        ConvolutionSizes(3, (11, 9), (2, 4)),
        ConvolutionSizes(4, (3, 5), (1, 4)),
    ),
    recurrent_layers=2,
    units=5,
)


def _network(sizes: DeepSpeech2Sizes) -> keras.Model:
    rows = keras.Input([None, 320], name="rows")
    mask = keras.Input([None], dtype="int32", name="mask")
    return keras.Model(
        {"rows": rows, "mask": mask}, deep_speech_2.build(rows, mask, sizes)
    )


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return _network(SIZES)


def _batch(*lengths: int, most: int, fill: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sounds = [rng.normal(0, 0.2, (length, 320)) for length in lengths]
    rows = np.full([len(lengths), most, 320], fill, np.float32)
    mask = np.zeros([len(lengths), most], np.int32)
    for number, sound in enumerate(sounds):
        rows[number, : len(sound)], mask[number, : len(sound)] = sound, 1
    return {"rows": rows, "mask": mask}


def test_what_fills_up_a_batch_changes_no_answer(model: keras.Model) -> None:
    together = model(_batch(7, 12, most=16, fill=0.7)).numpy()
    alone = model(_batch(7, most=7)).numpy()[0]
    assert alone.std() > 0.01
    np.testing.assert_allclose(together[0, :7], alone, atol=1e-5)
    assert not together[0, 7:].any() and not together[1, 12:].any()


def test_what_fills_up_a_batch_is_in_no_statistic(model: keras.Model) -> None:
    norms = [one for one in model.layers if hasattr(one, "moving_mean")]
    assert len(norms) == 3
    start, found = model.get_weights(), []
    for most, fill in ((12, 0.0), (20, 0.9)):
        model.set_weights(start)
        outputs = model(_batch(7, 12, most=most, fill=fill), training=True).numpy()
        found.append([outputs[:, :12], *(np.array(n.moving_mean) for n in norms)])
        found[-1] += [np.array(n.moving_variance) for n in norms]
    model.set_weights(start)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(found[0][1]).max() > 1e-4


def test_each_step_hears_the_whole_sound_and_nothing_else(model: keras.Model) -> None:
    batch = _batch(30, 30, most=30)
    before = model(batch).numpy()
    for step in (0, 29):
        changed = {**batch, "rows": batch["rows"].copy()}
        changed["rows"][0, step] *= -3
        moved = np.abs(model(changed).numpy() - before).max(axis=-1)
        # Beyond the convolutions, too: the recurrent layers carry it both ways.
        assert moved[0].min() > 0 and not moved[1].any()


def test_the_spectrogram_is_that_of_scipy() -> None:
    samples = np.random.default_rng(1).normal(0, 0.2, 320 * 6).astype(np.float32)
    found = deep_speech_2.LogSpectrogram()(samples.reshape(1, 6, 320)).numpy()
    padded = np.pad(samples, (0, 160))
    window = scipy.signal.get_window("hann", 320)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 320)[::160]
    expected = np.log1p(np.abs(np.fft.rfft(frames * window)))
    np.testing.assert_allclose(found.reshape(12, 161), expected, atol=1e-4)


def test_every_block_can_be_cut(model: keras.Model) -> None:
    inputs = _batch(7, 9, most=10)
    whole = model(inputs).numpy()
    anchors = deep_speech_2.cut_anchors(SIZES)
    assert tuple(anchors) == ("conv_1", "conv_2", "gru_1", "gru_2")
    for name, anchor in anchors.items():
        halves = split.split_at(model, anchor)
        cut = split.FrozenTrunk(halves.trunk)(inputs)
        # All that is stored of an example has as many steps as its sound.
        assert {one.shape[1] for one in cut} == {10}
        np.testing.assert_allclose(halves.tail(cut).numpy(), whole, atol=1e-5)
        assert name in {one.name for one in halves.tail.layers}


def test_the_table_counts_parameters() -> None:
    assert _network(SIZES).count_params() == SIZES.parameters
    for name, sizes in deep_speech_2_sizes.SIZES.items():
        backbone = speech_backbone.get(name)
        assert backbone.parameters == sizes.parameters
        assert backbone.blocks == sizes.blocks
        assert sizes.convolutions[0].strides[0] == deep_speech_2_sizes.FRAMES_PER_ROW
        assert all(one.strides[0] == 1 for one in sizes.convolutions[1:])
