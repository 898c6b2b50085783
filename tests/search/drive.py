"""Take part in a search over the tiny network, in a process of its own.

  python -m tests.search.drive SEARCH_DIR

Which part it is, the environment says. It notes each trial that it runs in a file
beside the folder, and prints the best value.
"""

import os
import sys
from pathlib import Path

# A GPU would compute other figures.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from kft import tasks
from kft.config import TuneConfig
from kft.search import check, search
from kft.training import fine_tune, preflight
from kft.training.monitoring import signals as monitoring_signals
from kft.training.monitoring.progress import SilentReporter
from tests import tiny
from tests.search.conftest import tiny_splits


def main() -> None:
    folder = Path(sys.argv[1])
    preflight.check = lambda config, also=(): None
    tasks.load_splits = lambda config: tiny_splits()
    tasks.get = lambda config, labels: tiny.Task()
    original = fine_tune.fine_tune

    def noting(config, **keywords):
        with open(folder.with_name("ran.txt"), "a") as file:
            file.write(f"{os.environ['KERASTUNER_TUNER_ID']} {config.run_dir}\n")
        return original(config, **keywords)

    fine_tune.fine_tune = noting
    config = TuneConfig(
        search_dir=str(folder),
        stages="head:1",
        space="learning_rate=log:1e-3..1",
        tuner="random",
        trials=4,
        batch_size=16,
    )
    config, space = check.check(config, os.environ)
    with monitoring_signals.listening() as signals:
        outcome = search.run(config, space, signals=signals, reporter=SilentReporter())
    if outcome is None:
        print("worker done")
    else:
        print(f"best {outcome.best.validation['accuracy']}")


if __name__ == "__main__":
    main()
