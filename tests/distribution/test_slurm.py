"""What Slurm says in the environment of a job step."""

import pytest

from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import cluster, slurm

# As srun sets them for `srun --nodes=2 --ntasks-per-node=1`, second task.
STEP = {
    "SLURM_JOB_ID": "81723",
    "SLURM_JOB_NODELIST": "gpu[07-08]",
    "SLURM_NTASKS": "2",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "1",
}
# As a batch script has them: two tasks are allotted, and srun has not started any.
BATCH = {
    "SLURM_JOB_ID": "81723",
    "SLURM_JOB_NODELIST": "gpu[07-08]",
    "SLURM_NTASKS": "2",
    "SLURM_TASKS_PER_NODE": "1(x2)",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
}


def test_a_step_on_two_nodes():
    found = cluster.find(RuntimeConfig(), STEP)
    port = 12_000 + 723 * 16
    addresses = (f"gpu07:{port}", f"gpu08:{port}")
    assert found == cluster.Cluster(1, 2, "SLURM_*", addresses)


def test_tasks_of_one_node_have_ports_of_their_own():
    changes = {
        "SLURM_STEP_NUM_TASKS": "5",
        "SLURM_STEP_NODELIST": "a,b[1,3]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
        "SLURM_PROCID": "4",
    }
    settings = slurm.settings({**STEP, **changes})
    hosts, ports = zip(
        *(address.split(":") for address in settings["addresses"]), strict=True
    )
    assert hosts == ("a", "a", "b1", "b1", "b3")
    assert [int(port) - int(ports[0]) for port in ports] == [0, 1, 0, 1, 0]
    assert (settings["worker"], settings["num_workers"]) == (4, 5)


@pytest.mark.parametrize("job", ["0", "999", "1000", "4294967294"])
def test_ports_stay_below_those_of_outgoing_connections(job):
    addresses = slurm.settings({**STEP, "SLURM_JOB_ID": job})["addresses"]
    assert all(12_000 <= int(a.split(":")[1]) < 32_768 - 16 for a in addresses)


def test_a_step_of_one_task_is_alone():
    one = {
        "SLURM_STEP_NUM_TASKS": "1",
        "SLURM_STEP_NODELIST": "gpu07",
        "SLURM_STEP_TASKS_PER_NODE": "1",
        "SLURM_PROCID": "0",
    }
    assert cluster.find(RuntimeConfig(), {**STEP, **one}) is None


def test_a_batch_script_is_no_step():
    assert cluster.find(RuntimeConfig(), BATCH) is None
    assert slurm.is_outside_step(BATCH)
    assert not slurm.is_outside_step(STEP)
    assert not slurm.is_outside_step({"SLURM_NTASKS": "1"})
    with pytest.raises(errors.ConfigError, match="start with srun"):
        cluster.find(RuntimeConfig(strategy="multi_worker"), BATCH)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SLURM_PROCID": None}, "SLURM_PROCID of Slurm's variables are missing"),
        ({"SLURM_STEP_NODELIST": ""}, "SLURM_STEP_NODELIST of Slurm's"),
        ({"SLURM_PROCID": "one"}, "SLURM_PROCID: expected a number"),
        ({"SLURM_PROCID": "2"}, "contradict each other.*SLURM_PROCID=2"),
        ({"SLURM_STEP_NUM_TASKS": "3"}, "contradict each other"),
        ({"SLURM_STEP_NODELIST": "gpu07"}, "contradict each other"),
        ({"SLURM_STEP_NODELIST": "gpu[07-"}, "expected host names"),
        ({"SLURM_STEP_NODELIST": "gpu[8-7]"}, "expected host names"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(2)"}, "expected numbers such as"),
        ({"SLURM_STEP_NODELIST": "gpu[0-99999999]"}, "at most 65,536"),
        ({"SLURM_STEP_NODELIST": "n[0-999][0-999][0-9]"}, "at most 65,536"),
        ({"SLURM_STEP_NODELIST": "n[1-2]" * 40}, "at most 65,536"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x99999999)"}, "expected numbers such as"),
        ({"SLURM_STEP_TASKS_PER_NODE": "9" * 5_000}, "expected numbers such as"),
        ({"SLURM_STEP_NUM_TASKS": "9" * 5_000}, "SLURM_STEP_NUM_TASKS: expected a"),
        ({"SLURM_JOB_ID": "\N{ARABIC-INDIC DIGIT THREE}"}, "SLURM_JOB_ID: expected a"),
        ({"SLURM_PROCID": "\N{SUPERSCRIPT TWO}"}, "SLURM_PROCID: expected a number"),
        (
            {"SLURM_STEP_TASKS_PER_NODE": "20(x2)", "SLURM_STEP_NUM_TASKS": "40"},
            "at most 16 tasks on a node",
        ),
    ],
    ids=str,
)
def test_missing_or_malformed_variables_are_named(changes, says):
    environ = {k: v for k, v in {**STEP, **changes}.items() if v is not None}
    with pytest.raises(errors.ConfigError, match=says) as caught:
        cluster.find(RuntimeConfig(), environ)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("login1", ["login1"]),
        ("a[1-3]", ["a1", "a2", "a3"]),
        ("a[08-10,3],b", ["a08", "a09", "a10", "a3", "b"]),
        ("r[1-2]n[01-02]", ["r1n01", "r1n02", "r2n01", "r2n02"]),
        ("n[1-2].cluster.org", ["n1.cluster.org", "n2.cluster.org"]),
    ],
)
def test_host_lists(text, hosts):
    assert slurm.expand_hosts(text) == hosts


@pytest.mark.parametrize("text", ["a,", ",a", "a]b", "a[1,]", "a[x-y]", "a[]"])
def test_malformed_host_lists(text):
    with pytest.raises(errors.ConfigError):
        slurm.expand_hosts(text)


def test_counts_per_node():
    assert slurm.expand_counts("2(x3),1") == [2, 2, 2, 1]
