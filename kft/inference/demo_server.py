"""A page on this machine that answers files: server and answers.

Python's own HTTP server and one static page: enough for one person who tries a model,
and not made for the open internet.
"""

import html
import http.server
import importlib.resources
import io
import ipaddress
import json
import socket
import socketserver
import sys
import threading
import time
import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from absl import logging

from kft.inference import answers
from kft.inference.listen_address import ListenAddress
from kft.inference.load_export import View
from kft.inference.predictor import Predictor

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Nothing but the page itself is run or loaded.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
# For the head of a request, and for its body beside what its size takes.
_IDLE_SECONDS = 30.0
_SLOWEST_BYTES_PER_SECOND = 100_000
# Of the length of a body, more than any that is taken.
_DIGITS = 20


class DemoService:
    """Answers payloads, one at a time: not every runtime can be asked by two threads.

    Args:
        predictor: the model.
        view: shows examples as the network has them; None where that is not known.
        top_k: alternatives in an answer.
    """

    def __init__(self, predictor: Predictor, *, view: View | None, top_k: int) -> None:
        self._predictor = predictor
        self._view = view
        self._top_k = min(top_k, len(predictor.task.labels))
        self._lock = threading.Lock()

    def answer(self, payload: bytes) -> dict[str, Any]:
        """Return the answer, and what the network looks at; or only `error`.

        The keys of the answer are those of kft.predict. `seen` is the example as the
        network has it, as HTML, and `explanation` lies over it; both None where that is
        not known.
        """
        with self._lock:
            found, outputs = answers.predict_one(
                self._predictor, payload, top_k=self._top_k
            )
            if found.error is not None:
                return {"error": found.error}
            seen, explanation = None, None
            if self._view is not None:
                inputs = tf.nest.map_structure(
                    lambda tensor: tensor.numpy(), self._predictor.one_input(payload)
                )
                scores = outputs[self._predictor.task.serving.scores]
                target = scores.argmax(axis=-1)
                seen, explanation = self._view(payload, inputs, target)
        return {**found.content, "seen": seen, "explanation": explanation}

    def answer_or_log(self, payload: bytes) -> dict[str, Any] | None:
        """Return what `answer` does; None where the model fails, which is logged."""
        try:
            return self.answer(payload)
        except Exception as error:  # noqa: BLE001, runtimes have no common class
            logging.error("A file was not answered", exc_info=error)
            return None

    def warm_up(self) -> None:
        """Answer an example that is made up: the first one takes seconds."""
        (payload,) = self._predictor.task.serving.made_up(1)
        self.answer_or_log(payload)

    def page(self, max_bytes: int) -> bytes:
        """Return the page, with the words of the task.

        Args:
            max_bytes: largest file that is taken, so that none is sent in vain.
        """
        words = self._predictor.task.serving.page()
        is_explained = self._view is not None and words.explanation is not None
        values = {
            "max_bytes": str(max_bytes),
            "title": words.title,
            "prompt": words.prompt,
            "accept": words.accept,
            "explanation": words.explanation or "",
            "explanation_hidden": "" if is_explained else "hidden",
            "text_prompt": words.text_prompt or "",
            "record_prompt": words.record_prompt or "",
            "record_hidden": "hidden" if words.record_prompt is None else "",
            "text_hidden": "hidden" if words.text_prompt is None else "",
        }
        folder = importlib.resources.files("kft.inference")
        page = folder.joinpath("demo.html").read_text(encoding="utf-8")
        for name, value in values.items():
            page = page.replace(f"{{{{{name}}}}}", html.escape(value))
        return page.encode()


class Server(http.server.ThreadingHTTPServer):
    """Serves the page at / and answers POST /predict, whose body is a payload.

    Args:
        asked: what answers.
        address: to listen on.
        max_bytes: largest file that is taken.

    Raises:
        errors.ConfigError: where it cannot listen there.
    """

    daemon_threads = True
    # Browsers that press the button in the same moment.
    request_queue_size = 128

    def __init__(
        self, asked: DemoService, *, address: ListenAddress, max_bytes: int
    ) -> None:
        self.asked = asked
        self.max_bytes = max_bytes
        self.page = asked.page(max_bytes)
        self.address_family = address.family
        try:
            super().__init__((address.number, address.port), _Handler)
        except OSError as error:
            raise address.explain(error) from error

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = self.bound_to
        self.server_port = self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Write to the log what went wrong; the other requests go on."""
        del request
        error = sys.exception()
        # A browser that went away before the answer came.
        is_usual = isinstance(error, ConnectionError)
        level = logging.DEBUG if is_usual else logging.ERROR
        logging.log(level, "Request of %s: %r", client_address, error)

    @property
    def bound_to(self) -> str:
        """Return the numeric address that it listens on."""
        return str(self.server_address[0])

    @property
    def address(self) -> str:
        """Return the address of the page."""
        host = f"[{self.bound_to}]" if ":" in self.bound_to else self.bound_to
        return f"http://{host}:{self.server_port}/"

    @property
    def is_of_this_machine_alone(self) -> bool:
        """Return whether nobody on another machine can ask."""
        return ipaddress.ip_address(self.bound_to).is_loopback

    def is_asked_by_name(self, host: str) -> bool:
        """Return whether a Host header names this machine itself.

        A page elsewhere can point a name of its own at a loopback address, and read
        the answers (DNS rebinding). Who listens on more than that is on their own.
        """
        if not self.is_of_this_machine_alone:
            return True
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name in ("localhost", self.bound_to)


class _DeadlineReader(io.RawIOBase):
    """What arrives at a connection until a deadline."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = time.monotonic()

    def allow(self, seconds: float) -> None:
        """Move the deadline to so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    server_version = "kft"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def setup(self) -> None:
        """Read with a deadline: a byte now and then does not keep a connection."""
        super().setup()
        self._reader = _DeadlineReader(self.connection)
        self._reader.allow(_IDLE_SECONDS)
        self.rfile = io.BufferedReader(self._reader)

    def do_GET(self) -> None:
        """Give the page."""
        if not self._is_welcome():
            return
        if self.path != "/":
            self._fail(HTTPStatus.NOT_FOUND, "there is only /")
            return
        self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """Answer a file."""
        if not self._is_welcome():
            return
        if self.path != "/predict":
            self._fail(HTTPStatus.NOT_FOUND, "files go to /predict")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._fail(HTTPStatus.LENGTH_REQUIRED, "the length of the file is missing")
            return
        # Python refuses to make a number of thousands of digits.
        size = int(length.lstrip("0")[:_DIGITS] or 0)
        if size > self.server.max_bytes:
            limit = self.server.max_bytes / 1e6
            self._fail(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file has {size / 1e6:.1f} MB; at most {limit:g} are taken",
            )
            return
        self._reader.allow(_IDLE_SECONDS + size / _SLOWEST_BYTES_PER_SECOND)
        answer = self.server.asked.answer_or_log(self.rfile.read(size))
        if answer is None:
            message = "the model failed on this file; the server's log has the error"
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, message)
            return
        is_bad = "error" in answer
        self._send_json(HTTPStatus.BAD_REQUEST if is_bad else HTTPStatus.OK, answer)

    def _is_welcome(self) -> bool:
        """Refuse requests that other sites make through the browser."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        is_own = origin is None or origin == f"http://{host}"
        if is_own and self.server.is_asked_by_name(host):
            return True
        self._fail(HTTPStatus.FORBIDDEN, "only the page itself may ask")
        return False

    def _fail(self, status: HTTPStatus, message: str) -> None:
        # What is left of the request is not read.
        self.close_connection = True
        self._send_json(status, {"error": message})

    def _send_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        # What was left of the time to read is not for writing.
        self.connection.settimeout(_IDLE_SECONDS)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Write to kft's own log, for --debug."""
        logging.debug(format, *arguments)
