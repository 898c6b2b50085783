"""kft with one task more: python -m tests.tasks.rising_steps COMMAND [flags]."""

import sys

from kft import __main__ as kft_main
from kft.tasks import TASKS
from tests.tasks import rising_steps

TASKS["rising_steps"] = rising_steps.KIND

if __name__ == "__main__":
    sys.exit(kft_main.dispatch(sys.argv[1:]))
