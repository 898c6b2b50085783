"""Export a finished run, and prove that each export answers as the network does.

Writes below export/ of the run folder: the formats, labels.txt, and parity.json with
the figures of the proof.

  python -m kft.export runs/flowers --formats=saved_model,onnx
  python -m kft.export runs/flowers --formats=litert --quantize=int8
"""

from kft import exporters, tasks
from kft.cli import command, progress_bar, terminal
from kft.config import ExportConfig
from kft.exporters.standalone_process import StandaloneProcesses
from kft.run_folder import run_dir


def main(config: ExportConfig) -> None:
    """Export, and print the certificates."""
    exporters.check(config.formats, config.quantize)
    exporters.check_views(config.formats, config.tta)
    run = run_dir.finished(config.run_dir, out=config.out)
    run.check_writable()
    tasks.check_views(run_dir.read_config(run).task, config.tta)
    with StandaloneProcesses(config.formats) as processes:
        # TensorFlow starts slowly: not before the flags are known to be right.
        from kft.exporters import export_run

        written = export_run.export_run(
            config, processes=processes, bar=progress_bar.on_terminal
        )
    terminal.show(*export_run.table(written))
    terminal.show(*(f"{one.name}: {one.path}" for one in written))


COMMAND = command.Command(
    name="export",
    description=__doc__,
    config=ExportConfig,
    main=main,
    positional="run_dir",
)

if __name__ == "__main__":
    command.run(COMMAND)
