"""The part of a process in a parallel search, by keras-tuner's variables.

One chief chooses the trials, any number of workers run them. All have the same command,
the same search folder, and in their environment

  KERASTUNER_TUNER_ID=chief   (worker0, worker1, ... for the others; each its own)
  KERASTUNER_ORACLE_PORT=4000
  KERASTUNER_ORACLE_IP=...    (of the chief; 127.0.0.1 where it is not set)
"""

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Literal

from kft import errors

ID, IP, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
LOOPBACK = "127.0.0.1"
ALONE = "alone"


@dataclasses.dataclass(frozen=True)
class Role:
    """What this process does in a search.

    Attributes:
        kind: the chief runs no trials; `alone` does both.
        name: different for each worker.
        ip: where the chief listens.
        port: likewise; None for one that is alone.
    """

    kind: Literal["alone", "chief", "worker"]
    name: str
    ip: str = LOOPBACK
    port: int | None = None

    @property
    def address(self) -> str:
        """Return where the chief listens, as HOST:PORT."""
        return f"{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """Return the ip as it stands before a port."""
        return f"[{self.ip}]" if ":" in self.ip else self.ip

    @property
    def is_exposed(self) -> bool:
        """Return whether other machines may reach the chief."""
        try:
            return not ipaddress.ip_address(self.ip).is_loopback
        except ValueError:
            return self.ip != "localhost"


def find(environ: Mapping[str, str]) -> Role:
    """Return the role that the environment gives to this process.

    Raises:
        errors.ConfigError: where the variables do not make a role.
    """
    if not any(environ.get(name) for name in (IP, PORT)):
        return Role("alone", ALONE)
    missing = [name for name in (ID, PORT) if not environ.get(name)]
    if missing:
        raise errors.ConfigError(
            f"{' and '.join(missing)} is missing in the environment: a parallel search "
            f"needs {ID} (chief, worker0, worker1, ...) and {PORT}, and {IP} where the "
            "chief is on another machine."
        )
    port = environ[PORT]
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise errors.ConfigError(
            f"{PORT}: expected a port, 1 to 65535, received {port!r}."
        )
    # As keras-tuner tells them apart.
    kind: Literal["chief", "worker"] = "chief" if "chief" in environ[ID] else "worker"
    return Role(kind, environ[ID], environ.get(IP) or LOOPBACK, int(port))
