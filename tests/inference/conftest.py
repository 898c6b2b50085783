"""The small run, which tests of exports have too."""

from tests.exporters.conftest import (  # noqa: F401, fixtures
    _small_everywhere,
    exported,
    small_run,
)
