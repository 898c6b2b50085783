"""Silence at the start of a command."""

import os
import subprocess
import sys

from tests.conftest import REPOSITORY


def _run(code: str, *, debug: bool) -> subprocess.CompletedProcess[str]:
    """Run Python after `startup_logs.start`, with the environment of a user."""
    start = f"from kft.cli import startup_logs\nstartup_logs.start(debug={debug})\n"
    return _python(start + code)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("TF_CPP")}
    env.pop("CUDA_VISIBLE_DEVICES", None)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**env, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_tensorflow_starts_without_a_word_and_keras_runs_on_it() -> None:
    done = _run(
        "import keras, tensorflow as tf\n"
        "tf.reduce_sum(tf.random.normal([3])).numpy()\n"
        "print(keras.backend.backend(), len(tf.config.list_logical_devices()) > 0)\n",
        debug=False,
    )
    assert done.stderr == ""
    assert done.stdout == "tensorflow True\n"


def test_what_python_imports_of_kft_starts_tensorflow_without_a_word() -> None:
    code = "from kft import load\nimport sys\nprint('tensorflow' in sys.modules)\n"
    done = _python(code + "import keras\nprint(keras.backend.backend())\n")
    assert done.stderr == ""
    assert done.stdout == "True\ntensorflow\n"


def test_debug_shows_what_tensorflow_says() -> None:
    # Which lines it writes depends on the processor; without --debug there are none.
    start = "import tensorflow as tf\ntf.config.list_logical_devices()\n"
    assert _run(start, debug=True).stderr != ""
    assert _run(start, debug=False).stderr == ""


def test_logs_of_other_packages_are_shown_from_warnings_on() -> None:
    code = "from absl import logging\nlogging.info('chatty')\nlogging.warning('bad')\n"
    assert _run(code, debug=False).stderr == "warning: bad\n"
    assert _run(code, debug=True).stderr == "chatty\nwarning: bad\n"


def test_logs_of_kft_are_shown_plainly() -> None:
    code = (
        "from absl import logging\n"
        f"code = compile('logging.info(1)', {str(REPOSITORY / 'kft/x.py')!r}, 'exec')\n"
        "exec(code)\n"
    )
    assert _run(code, debug=False).stderr == "1\n"


LIBRARY = """
import os, sys
from absl import logging
with startup_logs.without_library_messages():
    os.write(2, b"Corrupt JPEG data\\n")
    logging.warning("of kft %s", "\\u00e9")
    print("of Python", file=sys.stderr)
os.write(2, b"later\\n")
logging.warning("last")
"""


def test_what_libraries_write_to_the_descriptor_is_for_debugging() -> None:
    said = _run(LIBRARY, debug=False).stderr
    assert said == "warning: of kft \u00e9\nof Python\nlater\nwarning: last\n"
    assert "Corrupt JPEG data" in _run(LIBRARY, debug=True).stderr
