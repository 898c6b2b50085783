"""The command that looks at data."""

import json
import os
import subprocess
import sys

from tests.auditing.conftest import clean, dirty
from tests.conftest import REPOSITORY

__all__ = ["clean", "dirty"]

_CODE = """
import sys
from kft import audit
from kft.cli import command

def run(*arguments):
    try:
        return command.execute(audit.COMMAND, arguments)
    except SystemExit as end:
        print(end.code, file=sys.stderr)
        return 1 if isinstance(end.code, str) else end.code

clean, dirty = sys.argv[1:]
print("codes", run(f"--dataset=folder:{clean}", "--batch_size=8", "--stages=head:1"),
      run(dirty, "--out=found"), run("--dataset=folder:nowhere"),
      run("--help"))
print("tensorflow" in sys.modules)
"""


def test_findings_decide_the_exit_code_without_tensorflow(clean, dirty, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(clean), str(dirty)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert "codes 0 1 2 0\nFalse\n" in done.stdout, done.stderr
    assert (
        "4 groups of copies across splits or labels, 3 files that cannot be read."
        in done.stderr
    )
    assert "there is no folder 'nowhere'" in done.stderr
    assert json.loads((tmp_path / "audit/photos/audit.json").read_text())["is_clean"]
    assert (tmp_path / "found" / "audit.html").exists()
    # What --help shows is about the data, and not about training.
    assert "--near_bits" in done.stdout
    assert "--stages" not in done.stdout
