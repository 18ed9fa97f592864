"""Answers on the API's port while the API doesn't start, with what its start says."""

import json
import re
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MAX_BODY = 1 << 20  # bytes of a request that are read, so that its sender gets to the answer


class FailedStart:
    """Answers each request with 503, between `answer` and `stop`.

    `shows_lines` is asked whether the answer may have them: outside of local it names no more than
    that the API is away.
    """

    def __init__(self, listener: socket.socket, shows_lines: Callable[[], bool]) -> None:
        self._listener = listener
        self._shows_lines = shows_lines
        self._server: _Server | None = None
        self._thread = threading.Thread()

    def answer(self, lines: Sequence[str]) -> None:
        """Begin to answer, in a thread; `lines` are the last ones that the API wrote."""
        self.stop()
        shown = [ESCAPES.sub("", line) for line in lines] if self._shows_lines() else []
        self._server = _Server(self._listener, shown)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Leave requests to the API again: those that come meanwhile wait in the socket's queue."""
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.socket.close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, lines: Sequence[str]) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener.dup()  # the API's own, whose queue has what came since its end
        said = [line for line in lines if line.strip()]
        self.problem: dict[str, Any] = {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "The API doesn't start since your last change; the next one is tried at once."
            + (f" {said[-1].strip()}" if said else ""),
        }
        if lines:
            self.problem["traceback"] = list(lines)


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # seconds for a client that sends nothing

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method, unknown ones too
            return self._refuse
        raise AttributeError(name)

    def _refuse(self) -> None:
        length = self.headers.get("Content-Length", "")
        if length.isdigit():
            self.rfile.read(min(int(length), MAX_BODY))
        assert isinstance(self.server, _Server)
        path = self.path.partition("?")[0]
        body = json.dumps({**self.server.problem, "instance": path}, indent=1).encode()
        self.send_response(503)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "1")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: dev has said already that the API doesn't start."""
