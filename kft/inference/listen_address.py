"""The address that a server listens on, and advice where it cannot. No TensorFlow."""

import dataclasses
import errno
import socket

from kft import errors

_PORT_PROBLEMS = (errno.EADDRINUSE, errno.EACCES)
_USUAL = (
    "127.0.0.1 is this machine alone; with 0.0.0.0, or :: of IPv6, everybody who "
    "reaches it can ask."
)


@dataclasses.dataclass(frozen=True)
class ListenAddress:
    """Where to listen.

    Attributes:
        host: as the user wrote it.
        port: 0 for any that is free.
        family: AF_INET or AF_INET6.
        number: the numeric address.
    """

    host: str
    port: int
    family: socket.AddressFamily
    number: str

    def explain(self, error: OSError) -> errors.ConfigError:
        """Return what to tell the user where one cannot listen there."""
        what = f"--host={self.host} --port={self.port}: cannot listen there"
        if error.errno in _PORT_PROBLEMS:
            advice = "Choose another --port; 0 takes any that is free."
        else:
            advice = f"Choose a --host of this machine: {_USUAL}"
        return errors.ConfigError(f"{what}: {error.strerror}. {advice}")


def find(host: str, port: int) -> ListenAddress:
    """Return the address of a host's name, or of its number.

    Raises:
        errors.ConfigError: where it is none.
    """
    if not host.strip():
        raise errors.ConfigError(
            f"--host: expected an address, received none. {_USUAL}"
        )
    if host.startswith("["):
        raise errors.ConfigError(
            f"--host={host}: expected an IPv6 address without brackets, such as ::1."
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # Names with empty or very long parts, or half characters, are UnicodeErrors; those
    # with a zero in them ValueErrors.
    except (OSError, ValueError) as error:
        raise errors.ConfigError(
            f"--host={errors.excerpt(host)}: there is no such host ({error}). {_USUAL}"
        ) from error
    # localhost is both.
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    family, *_, place = found[0]
    return ListenAddress(host, port, family, str(place[0]))
