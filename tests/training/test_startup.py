"""The start of a run is measured part by part."""

from kft.training.startup import Startup


def ticking(*times: float):
    left = iter(times)
    return lambda: next(left)


def test_each_part_has_its_seconds_and_the_first_step_counts_once():
    startup = Startup(3.0, clock=ticking(10, 11, 11, 13, 20, 24, 30))
    with startup.part("data"):
        pass
    with startup.part("network"):
        pass
    startup.await_first_step()
    startup.first_step_done()
    startup.first_step_done()
    startup.await_first_step()
    startup.first_step_done()
    assert startup.seconds() == {
        "import": 3.0,
        "data": 1.0,
        "network": 2.0,
        "first_step": 4.0,
    }


def test_what_is_not_known_is_left_out():
    assert Startup().seconds() == {}
