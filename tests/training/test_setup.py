"""What can be said of a run only once its data is there."""

from collections.abc import Callable

import pytest

from kft import errors


def test_a_batch_with_room_for_more_than_there_is_is_refused(
    tiny_run: Callable,
) -> None:
    message = "--batch_size=100000: expected at most the 70 training examples"
    with pytest.raises(errors.ConfigError, match=message):
        tiny_run("large", batch_size=100_000)
