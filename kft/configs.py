"""List the configs that come with kft, or copy some to change them.

  python -m kft.configs
  python -m kft.configs quickstart reviews --out=configs

What is listed can be trained as it is: python -m kft.train --flagfile=kft:quickstart
"""

from pathlib import Path

from kft import errors
from kft.cli import command, rich_console, tables, terminal
from kft.config import ConfigsConfig, shipped_configs, user_paths
from kft.run_folder import atomic_files


def main(config: ConfigsConfig) -> None:
    """Write the table, or copies.

    Raises:
        errors.ConfigError: for a name that there is not, or where a file would be
            overwritten or cannot be written.
    """
    if config.names:
        for path in _copies(config):
            terminal.show(str(path))
        return
    known = shipped_configs.all_paths()
    console = rich_console.console()
    columns = (
        tables.Column("config", tuple(known), is_text=True),
        tables.Column(
            "what", tuple(map(shipped_configs.summary, known.values())), is_text=True
        ),
    )
    console.print(tables.table(columns, width=console.width))


def _copies(config: ConfigsConfig) -> list[Path]:
    """Copy the configs that are named, all or none; return the new files."""
    named = [shipped_configs.path(name, source="kft configs") for name in config.names]
    folder = user_paths.expand(config.out)
    copies = {folder / source.name: source for source in named}
    taken = [str(path) for path in copies if path.exists()]
    if taken:
        raise errors.ConfigError(
            f"--out={config.out}: {', '.join(taken)} would be overwritten. Expected "
            "another folder, or one without files of these names."
        )
    try:
        with atomic_files.explaining(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for path, source in copies.items():
            atomic_files.write(path, source.read_bytes())
    except errors.RunDirError as error:
        raise errors.ConfigError(f"--out={config.out}: {error}") from error
    return list(copies)


COMMAND = command.Command(
    name="configs",
    description=__doc__,
    config=ConfigsConfig,
    main=main,
    positional="names",
)

if __name__ == "__main__":
    command.run(COMMAND)
