"""The calls at a port that anybody can reach: many at once, none waited for.

Who says nothing, or one byte a second, holds nobody up; who says much is hung up on.
"""

import dataclasses
import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

# Callers that have not said a line yet. The first of more is hung up on.
MOST_CALLS = 256
_MOST_LINE_BYTES = 1_024
_SECONDS_TO_ANSWER = 10.0
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclasses.dataclass(eq=False)
class Call:
    """Somebody at the port.

    Attributes:
        connection: does not block.
        host: from which it calls.
        line: what it has said so far, up to the end of a line.
        worker: its rank, once it is known to be a worker.
    """

    connection: socket.socket
    host: str
    line: bytes = b""
    worker: int | None = None


class Calls:
    """Everybody at the port, as long as the connections last; closes them at the end.

    Iterating gives those that have not hung up.
    """

    def __init__(self, server: socket.socket) -> None:
        """Begin to take calls at a socket that listens."""
        self._server = server
        self._calls: list[Call] = []
        self._selector = selectors.DefaultSelector()
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        """Return the calls."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        for call in list(self._calls):
            self.hang_up(call)
        self._selector.close()

    def __iter__(self) -> Iterator[Call]:
        """Return an iterator over those that have not hung up."""
        return iter(list(self._calls))

    def ready(self, deadline: float) -> list[Call]:
        """Return the calls that have just said a whole line, after some waiting.

        Args:
            deadline: of `time.monotonic`; no waiting after it.
        """
        left = max(deadline - time.monotonic(), 0.0)
        events = self._selector.select(min(left, _SECONDS_BETWEEN_LOOKS))
        ready = []
        for key, _ in events:
            if key.data is None:
                self._accept()
            elif key.data in self._calls and self._read(key.data):
                ready.append(key.data)
        # One that was ready may have had to make room.
        return [call for call in ready if call in self._calls]

    def hang_up(self, call: Call) -> None:
        """Close a connection."""
        self._calls.remove(call)
        self._selector.unregister(call.connection)
        call.connection.close()

    def answer(self, message: Mapping[str, Any]) -> None:
        """Send all workers a message, within seconds."""
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        for call in self:
            if call.worker is None:
                continue
            call.connection.settimeout(max(deadline - time.monotonic(), 0.1))
            try:
                call.connection.sendall(encode(message))
            except OSError:
                # Who hung up notices that no answer comes.
                continue

    def _accept(self) -> None:
        try:
            connection, (host, *_) = self._server.accept()
        except OSError:
            # It has hung up already.
            return
        connection.setblocking(False)
        # How a socket for both writes an IPv4 address.
        call = Call(connection, host.removeprefix("::ffff:"))
        self._calls.append(call)
        self._selector.register(connection, selectors.EVENT_READ, call)
        strangers = [other for other in self._calls if other.worker is None]
        if len(strangers) > MOST_CALLS:
            self.hang_up(strangers[0])

    def _read(self, call: Call) -> bool:
        """Return whether a caller has just ended its line."""
        try:
            more = call.connection.recv(_MOST_LINE_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            more = b""
        if not more or len(call.line) + len(more) > _MOST_LINE_BYTES:
            self.hang_up(call)
            return False
        call.line += more
        return call.worker is None and call.line.endswith(b"\n")


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message).encode() + b"\n"
