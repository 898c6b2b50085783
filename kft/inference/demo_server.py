"""A page on this machine that answers files: server and answers.

Python's own HTTP server and one static page: enough for one person who tries a model,
and not made for the open internet.
"""

import html
import http.server
import importlib.resources
import ipaddress
import json
import socketserver
import sys
import threading
import urllib.parse
from http import HTTPStatus
from typing import Any

import tensorflow as tf
from absl import logging

from kft import errors
from kft.inference import answers
from kft.inference.load_export import View
from kft.inference.predictor import Predictor

# Nothing but the page itself is run or loaded.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
_IDLE_SECONDS = 30


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
        host: address to listen on.
        port: 0 for any that is free.
        max_bytes: largest file that is taken.

    Raises:
        errors.ConfigError: where it cannot listen there.
    """

    daemon_threads = True

    def __init__(
        self, asked: DemoService, *, host: str, port: int, max_bytes: int
    ) -> None:
        self.asked = asked
        self.max_bytes = max_bytes
        self.page = asked.page(max_bytes)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise errors.ConfigError(
                f"--host={host} --port={port}: cannot listen there: {error.strerror}. "
                "Choose another --port; 0 takes any that is free."
            ) from error

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
        return f"http://{self.bound_to}:{self.server_port}/"

    def is_asked_by_name(self, host: str) -> bool:
        """Return whether a Host header names this machine itself.

        A page elsewhere can point a name of its own at a loopback address, and read
        the answers (DNS rebinding). Who listens on more than that is on their own.
        """
        if not ipaddress.ip_address(self.bound_to).is_loopback:
            return True
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name in ("localhost", self.bound_to)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    server_version = "kft"
    sys_version = ""
    timeout = _IDLE_SECONDS

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
        if int(length) > self.server.max_bytes:
            limit = self.server.max_bytes / 1e6
            self._fail(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file has {int(length) / 1e6:.1f} MB; at most {limit:g} are taken",
            )
            return
        payload = self.rfile.read(int(length))
        try:
            answer = self.server.asked.answer(payload)
        except Exception as error:  # noqa: BLE001, runtimes have no common class
            logging.error("A file was not answered", exc_info=error)
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
