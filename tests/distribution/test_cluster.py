"""Who trains together is known, or refused, before TensorFlow starts."""

import json

import pytest

from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import cluster

AUTO = RuntimeConfig()
MULTI = RuntimeConfig(strategy="multi_worker")
WORKERS = ["10.0.0.1:2222", "10.0.0.2:2222", "[fe80::1]:2222"]


def tf_config(content) -> dict[str, str]:
    return {"TF_CONFIG": content if isinstance(content, str) else json.dumps(content)}


def task(kind="worker", index=0) -> dict:
    return {"type": kind, "index": index}


def test_without_settings_a_process_is_alone():
    assert cluster.find(AUTO, {}) is None


def test_tf_config_of_plain_workers():
    found = cluster.find(
        AUTO, tf_config({"cluster": {"worker": WORKERS}, "task": task(index=2)})
    )
    assert found == cluster.Cluster(2, 3, "TF_CONFIG", tuple(WORKERS))
    assert not found.is_chief


# Recorded from a TFJob with a chief and two workers.
KUBEFLOW = (
    '{"cluster":{"chief":["flowers-chief-0.kft.svc:2222"],"worker":['
    '"flowers-worker-0.kft.svc:2222","flowers-worker-1.kft.svc:2222"]},'
    '"task":{"type":"%s","index":%s},"environment":"cloud"}'
)
# As Vertex AI documents it for two worker pools; the index may be text.
VERTEX = (
    '{"cluster": {"chief": ["cmle-training-workerpool0-ab-0:2222"], "worker": '
    '["cmle-training-workerpool1-ab-0:2222"]}, "environment": "cloud", "job": "{}", '
    '"task": {"type": "worker", "index": "0", "trial": "ab"}}'
)


@pytest.mark.parametrize(
    ("kind", "index", "rank"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)]
)
def test_the_chief_of_a_tfjob_comes_first(kind, index, rank):
    found = cluster.find(AUTO, tf_config(KUBEFLOW % (kind, index)))
    assert (found.worker, found.num_workers) == (rank, 3)
    assert found.addresses[0] == "flowers-chief-0.kft.svc:2222"


def test_an_index_may_be_text():
    assert cluster.find(AUTO, tf_config(VERTEX)).worker == 1


@pytest.mark.parametrize(
    "content",
    ["{}", " ", {"task": task()}, {"cluster": {"worker": WORKERS[:1]}, "task": task()}],
)
def test_one_process_alone_needs_no_cluster(content):
    assert cluster.find(AUTO, tf_config(content)) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"cluster": ', "not JSON"),
        ("[]", "a JSON object"),
        ({"cluster": ["a:1"], "task": task()}, '"cluster" to be an object'),
        ({"cluster": {"worker": WORKERS}}, '"task" with "type" and "index"'),
        ({"cluster": {"worker": WORKERS}, "task": {"type": "worker"}}, '"task" with'),
        ({"cluster": {"worker": WORKERS}, "task": task(index=3)}, "index below 3"),
        ({"cluster": {"worker": WORKERS}, "task": task(index=-1)}, "index from 0"),
        ({"cluster": {"worker": WORKERS}, "task": task("chief")}, "among worker"),
        ({"cluster": {"worker": []}, "task": task()}, "list of addresses"),
        ({"cluster": {"worker": "a:1"}, "task": task()}, "list of addresses"),
        ({"cluster": {"worker": ["a:1", "a"]}, "task": task()}, "HOST:PORT"),
        ({"cluster": {"worker": ["a:1", "b:70000"]}, "task": task()}, "1 to 65535"),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": task()}, "a:1 twice"),
        ({"cluster": {"chief": ["a:1", "b:1"]}, "task": task("chief")}, "one chief"),
        ({"cluster": {"boss": ["a:1"]}, "task": task()}, "chief or worker"),
        ({"cluster": {"worker": WORKERS, "ps": ["p:1"]}, "task": task()}, "in step on"),
        ({"cluster": {"worker": WORKERS}, "task": task("ps")}, "parameter servers"),
        ("[" * 100_000, "not JSON"),
        ({"cluster": {"worker": WORKERS}, "task": task(["worker"])}, "is a word"),
        ({"cluster": {"worker": WORKERS}, "task": task({})}, "is a word"),
        ({"cluster": {"worker": WORKERS}, "task": task(index="9" * 5_000)}, "index"),
        ({"cluster": {"worker": WORKERS}, "task": task(index=True)}, "index from 0"),
        (
            {"cluster": {"worker": WORKERS}, "task": task(index="\N{SUPERSCRIPT TWO}")},
            "index from 0",
        ),
        ({"cluster": {"worker": ["x" * 100_000]}, "task": task()}, "HOST:PORT"),
        ({"cluster": {"worker": ["a:1"] * 90_000}, "task": task()}, "a:1 twice"),
        (
            {"cluster": {"worker": WORKERS}, "task": task("evaluator")},
            "all workers validate together",
        ),
    ],
    ids=str,
)
def test_a_bad_tf_config_is_refused_with_the_reason(content, says):
    with pytest.raises(errors.ConfigError, match=says) as caught:
        cluster.find(AUTO, tf_config(content))
    assert "TF_CONFIG" in str(caught.value)
    assert len(str(caught.value)) < 1_000


def by_flags(**changes) -> RuntimeConfig:
    flags = {"coordinator": "10.0.0.1:4000", "num_workers": 3, "worker_index": 1}
    return RuntimeConfig(**{**flags, **changes})


def test_flags_name_the_place_to_meet():
    found = cluster.find(by_flags(), tf_config("malformed"))
    assert (found.worker, found.num_workers) == (1, 3)
    assert found.coordinator == "10.0.0.1:4000"
    assert found.addresses is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_workers": None}, "needs --num_workers too"),
        ({"worker_index": None}, "needs --worker_index too"),
        ({"coordinator": None}, "needs --coordinator too"),
        ({"coordinator": "host"}, "--coordinator: expected HOST:PORT"),
        ({"coordinator": "host:0"}, "port from 1 to 65535"),
        ({"worker_index": 3}, "at most 2 with --num_workers=3"),
        ({"strategy": "mirrored"}, "belongs to --strategy=multi_worker"),
    ],
    ids=str,
)
def test_half_given_flags_are_refused(changes, says):
    with pytest.raises(errors.ConfigError, match=says):
        cluster.find(by_flags(**changes), {})


def test_several_workers_have_to_be_named():
    with pytest.raises(errors.ConfigError, match="TF_CONFIG, by Slurm .*--coordinator"):
        cluster.find(MULTI, {})


def test_a_single_device_does_not_read_the_environment():
    single = RuntimeConfig(strategy="single")
    assert cluster.find(single, tf_config("malformed")) is None


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        (None, None, None),
        ("2", "gpu", 2),
        ("gpu", "gpu", None),
        ("gpu:3", "gpu", 3),
        ("cpu", "cpu", None),
        ("CPU:2", "cpu", 2),
    ],
)
def test_devices_are_a_kind_and_a_count(text, kind, count):
    assert cluster.parse_devices(text) == cluster.DeviceRequest(kind, count)


@pytest.mark.parametrize("text", ["0", "cpu:0", "tpu", "cpu:", "gpu:-1", "1,2"])
def test_other_devices_are_refused(text):
    with pytest.raises(
        errors.ConfigError, match="--devices: expected a number of GPUs"
    ):
        cluster.parse_devices(text)


@pytest.mark.parametrize(
    ("changes", "workers", "replicas"),
    [
        ({"strategy": "single"}, 1, 1),
        ({"devices": "cpu:4"}, 1, 4),
        ({"devices": "cpu"}, 3, 3),
        ({"devices": "2"}, 3, 6),
        ({}, 3, None),
        ({}, 1, None),
    ],
    ids=str,
)
def test_the_devices_are_known_early_where_they_are_counted(changes, workers, replicas):
    found = cluster.Cluster(0, workers, "TF_CONFIG") if workers > 1 else None
    assert cluster.known_replicas(RuntimeConfig(**changes), found) == replicas
