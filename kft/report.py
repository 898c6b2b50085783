"""Write the report of a finished run again, or compare runs.

report.html in the run folder is one page without any other file; its curves and its
confusion matrix are also in charts/, as PNG and SVG. The comparison says which options
differ and whether the difference in accuracy can be chance.

  python -m kft.report runs/flowers
  python -m kft.report runs/flowers --doubted_labels=100
  python -m kft.report --compare runs/flowers runs/flowers-2
"""

import os
from collections.abc import Sequence

from kft import errors
from kft.cli import command, progress_bar, terminal
from kft.config import ReportConfig
from kft.run_folder import run_dir


def main(config: ReportConfig) -> None:
    """Write a page, and print what it says and where it is."""
    folders = _folders(config)
    runs = [run_dir.finished(folder, out=config.out) for folder in folders]
    if not config.compare:
        runs[0].check_writable()
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.evaluation import load_run
    from kft.reporting import comparison, write_report

    if config.compare:
        output = os.path.join(config.out or "", config.output)
        compared = comparison.compare(folders, output)
        terminal.show(*comparison.table(compared), "", f"page  {compared.path}")
        return
    loader = load_run.loader_of(runs[0], data=config.data)
    report = write_report.make(
        runs[0],
        loader=loader,
        doubted_labels=config.doubted_labels,
        bar=progress_bar.on_terminal,
    )
    terminal.show(report.verdict, *map(str, report.files))


def _folders(config: ReportConfig) -> Sequence[str]:
    """Return the folder of the one run, or of at least two to compare.

    Raises:
        errors.ConfigError: where they are neither.
    """
    if config.compare and (config.run_dir or len(config.runs) < 2):
        raise errors.ConfigError(
            "--compare: expected at least two run folders and no --run_dir, received "
            f"{' '.join(config.runs) or 'none'}. Write --compare runs/a runs/b."
        )
    if config.compare and config.doubted_labels is not None:
        raise errors.ConfigError(
            f"--doubted_labels={config.doubted_labels} belongs to the report of one "
            "run, not to --compare."
        )
    if config.compare:
        return config.runs
    folders = (*filter(None, [config.run_dir]), *config.runs)
    if len(folders) != 1:
        raise errors.ConfigError(
            "Expected the folder of one run, or --compare and at least two folders; "
            f"received {' '.join(folders) or 'neither'}."
        )
    return folders


COMMAND = command.Command(
    name="report",
    description=__doc__,
    config=ReportConfig,
    main=main,
    positional="runs",
)

if __name__ == "__main__":
    command.run(COMMAND)
