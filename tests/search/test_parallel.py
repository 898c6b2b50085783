"""Roles in a parallel search come from keras-tuner's variables."""

import pytest

from kft import errors
from kft.search import parallel

CHIEF = {"KERASTUNER_TUNER_ID": "chief", "KERASTUNER_ORACLE_PORT": "4000"}


def test_without_variables_a_process_is_alone():
    assert parallel.find({}).kind == "alone"


def test_the_name_makes_a_chief_or_a_worker():
    assert parallel.find(CHIEF).kind == "chief"
    worker = parallel.find({**CHIEF, "KERASTUNER_TUNER_ID": "worker1"})
    assert (worker.kind, worker.name) == ("worker", "worker1")


def test_the_chief_is_on_loopback_unless_told_otherwise():
    role = parallel.find(CHIEF)
    assert role.address == "127.0.0.1:4000"
    assert not role.is_exposed
    told = parallel.find({**CHIEF, "KERASTUNER_ORACLE_IP": "0.0.0.0"})
    assert told.address == "0.0.0.0:4000"
    assert told.is_exposed
    assert parallel.find({**CHIEF, "KERASTUNER_ORACLE_IP": "::"}).address == "[::]:4000"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"KERASTUNER_ORACLE_IP": "10.0.0.1"},
            "TUNER_ID and KERASTUNER_ORACLE_PORT is",
        ),
        ({"KERASTUNER_ORACLE_PORT": "4000"}, "KERASTUNER_TUNER_ID is missing"),
        ({**CHIEF, "KERASTUNER_ORACLE_PORT": "http"}, "1 to 65535, received 'http'"),
    ],
)
def test_half_a_role_is_explained(environ, message):
    with pytest.raises(errors.ConfigError, match=message):
        parallel.find(environ)
