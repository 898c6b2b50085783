"""Workers that were started otherwise, or found other data, hear what differs."""

import dataclasses

import pytest

from kft.config import TrainConfig
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.distribution.replicas import Devices
from kft.training import worker_sync
from tests import tiny

_LABELS = LabelMap(("cat", "dog", "eel"))


def _splits(count=12):
    return Splits(
        labels=_LABELS,
        train=tiny.examples(count),
        validation=None,
        test=None,
        fingerprint="x",
        source="folder:d",
    )


def _facts(monkeypatch, config, splits):
    """Return what a worker has compared."""
    compared = {}
    monkeypatch.setattr(
        Devices, "require_equal", lambda devices, facts: compared.update(facts)
    )
    devices = Devices(None, num_workers=2, worker=0, addresses=("a:1", "b:1"))
    worker_sync.require_same_run(config, splits, devices)
    return compared


def _differing(one, other):
    assert list(one) == list(other)
    return {name for name in one if one[name] != other[name]}


def test_another_flag_has_its_name(monkeypatch):
    config = TrainConfig(dataset="folder:d")
    other = dataclasses.replace(config, seed=5)
    one = _facts(monkeypatch, config, _splits())
    assert _differing(one, _facts(monkeypatch, other, _splits())) == {"--seed"}


@pytest.mark.parametrize("lacks_split", [False, True])
def test_other_data_has_the_name_of_what_is_other(lacks_split, monkeypatch):
    config, splits = TrainConfig(dataset="folder:d"), _splits()
    if lacks_split:
        other = dataclasses.replace(splits, test=splits.train)
    else:
        other = _splits(11)
    split = "test" if lacks_split else "train"
    one = _facts(monkeypatch, config, splits)
    assert _differing(one, _facts(monkeypatch, config, other)) >= {
        f"the number of {split} examples",
        f"the names of the {split} examples",
    }
    assert one["the number of train examples"] == "12"
