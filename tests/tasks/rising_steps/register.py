"""The line that gives kft the task, for KFT_TASKS."""

from kft import tasks
from tests.tasks import rising_steps

tasks.TASKS["rising_steps"] = rising_steps.KIND
