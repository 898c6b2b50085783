"""Write the report of a finished run again, or compare runs.

report.html in the run folder is one page without any other file. The comparison says
which options differ and whether the difference in accuracy can be chance.

  python -m kft.report --run_dir=runs/flowers
  python -m kft.report --compare runs/flowers runs/flowers-2
"""

from collections.abc import Sequence

from kft import errors
from kft.cli import command
from kft.config import ReportConfig
from kft.run_folder import run_dir


def main(config: ReportConfig) -> None:
    """Write a page, and print what it says and where it is."""
    folders = _folders(config)
    for folder in folders:
        run_dir.finished(folder)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.reporting import comparison, write_report

    if config.compare:
        compared = comparison.compare(folders, config.output)
        print("\n".join([*comparison.table(compared), "", str(compared.path)]))
        return
    report = write_report.make(run_dir.at(folders[0]))
    print(f"{report.verdict}\n{report.path}")


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
    if config.compare:
        return config.runs
    if config.run_dir is None or config.runs:
        raise errors.ConfigError(
            "Expected --run_dir=FOLDER, or --compare and at least two folders; "
            f"received {' '.join(config.runs) or 'neither'}."
        )
    return (config.run_dir,)


COMMAND = command.Command(
    name="report",
    description=__doc__,
    config=ReportConfig,
    main=main,
    positional="runs",
)

if __name__ == "__main__":
    command.run(COMMAND)
