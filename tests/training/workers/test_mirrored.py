"""Two devices of one process compute what one computes."""

import numpy as np
import pytest

pytestmark = pytest.mark.integration

ONE = {"strategy": "single"}
TWO = {"strategy": "mirrored"}
# Everything that sums over a batch in another way than the plain step.
SUMS = {
    "accumulation_steps": 2,
    "clip_norm": 0.5,
    "ema_decay": 0.9,
    "class_weight": "balanced",
    "sampling": "balanced",
}
FEW = [70, 1, 1]


def job(name: str, *changes: dict, **more) -> dict:
    merged = {k: v for change in changes for k, v in change.items()}
    return {"name": name, "changes": {"devices": "cpu:2", **merged}, **more}


@pytest.fixture(scope="module")
def team(drive):
    # 70 training and 37 validation examples in batches of 16: the last are partial.
    single = [
        job("one", ONE, {"devices": None}),
        job("one-sums", ONE, SUMS, {"devices": None}),
        job("one-norm", ONE, {"batch_norm": "train", "devices": None}),
        job("one-few", ONE, {"devices": None}, sizes=FEW),
        job("one-taught", ONE, {"devices": None}, teacher_of="two"),
    ]
    two = [
        job("two", TWO),
        job("two-sums", TWO, SUMS),
        job("two-few", TWO, sizes=FEW),
        job("two-taught", TWO, teacher_of="two"),
        job("two-live", TWO, {"feature_cache": "off"}),
        job("two-disk", TWO, {"feature_cache": "disk"}),
        job("two-norm", TWO, {"batch_norm": "train"}),
        job("two-dropout", TWO, dropout=0.3),
        job("stopped", TWO, dropout=0.3, stop_at=7),
        job("stopped", TWO, dropout=0.3, stop_at=5),
        job("stopped", TWO, dropout=0.3),
        job("odd", TWO, {"batch_size": 15}),
        job("odd-parts", TWO, {"batch_size": 18, "accumulation_steps": 2}),
    ]
    # Logical devices come first: they cannot be made later in a process.
    return drive([*two, *single])


@pytest.mark.parametrize("kind", ["", "-sums", "-few", "-taught"])
def test_two_devices_equal_one(team, kind):
    one, two = team.figures(f"one{kind}"), team.figures(f"two{kind}")
    assert len(one["steps"]) == 25
    np.testing.assert_allclose(one["steps"], two["steps"], rtol=0, atol=1e-5)
    for name in ("val_loss", "val_accuracy", "test_loss", "test_accuracy"):
        assert two[name] == pytest.approx(one[name], abs=1e-5)
    a, b = team.arrays(f"one{kind}"), team.arrays(f"two{kind}")
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-5, err_msg=name)


def test_a_split_with_fewer_examples_than_devices_has_exact_metrics(team):
    assert team.figures("two-few")["val_accuracy"] in (0.0, 1.0)
    assert np.isfinite(team.figures("two-few")["val_loss"])


@pytest.mark.parametrize("kind", ["live", "disk"])
def test_cached_features_change_nothing(team, kind):
    cached, other = team.arrays("two"), team.arrays(f"two-{kind}")
    for name in cached:
        np.testing.assert_array_equal(cached[name], other[name], err_msg=name)
    assert team.figures("two")["result"]["cached"] == [True, True, False]
    expected = [kind == "disk"] * 2 + [False]
    assert team.figures(f"two-{kind}")["result"]["cached"] == expected


def test_a_run_goes_on_bit_by_bit_where_signals_stopped_it(team):
    assert "error" not in team.figures("stopped")
    whole, resumed = team.arrays("two-dropout"), team.arrays("stopped")
    for name in whole:
        np.testing.assert_array_equal(whole[name], resumed[name], err_msg=name)


def test_learning_batch_norm_sees_the_rows_of_its_device_only(team):
    one, two = (np.array(team.figures(f"{n}-norm")["steps"]) for n in ("one", "two"))
    # The head's stage is the same; then statistics are of 8 rows instead of 16.
    np.testing.assert_allclose(one[:10], two[:10], rtol=0, atol=1e-5)
    assert np.isfinite(two).all()
    assert np.abs(one[10:] - two[10:]).max() > 1e-4


def test_a_batch_that_can_not_be_shared_out_is_refused_with_sizes_that_fit(team):
    assert team.figures("odd")["error"] == [
        "ConfigError",
        "--batch_size=15 has to be a multiple of 2, for the 2 devices that share a "
        "batch: use --batch_size=14 or 16.",
    ]
    kind, message = team.figures("odd-parts")["error"]
    assert kind == "ConfigError"
    assert message.endswith("use --batch_size=16 or 20.")
