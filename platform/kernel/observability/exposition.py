"""The metrics' own port: a thread that answers whatever the event loop does, and of how many
processes the API has."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import structlog

from kernel.config.observability import ObservabilitySettings
from kernel.observability.sampling import last_turn

Read = TypeVar("Read")

log = structlog.get_logger(__name__)

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client's own name for it
BLOCKED = 5.0  # seconds after which a process counts as unable to serve
CLIENT_TIMEOUT = 5.0  # seconds
ATTEMPTS = 3  # a process that starts or ends may leave a file half made for a moment


def rendered(accept: str = "") -> tuple[bytes, str]:
    """All metrics of this process, or of all that share its directory; and their media type."""
    from prometheus_client.exposition import choose_encoder

    encode, media_type = choose_encoder(accept)
    return _read(encode), media_type


def why_unready() -> str | None:
    """Why a process can't serve: its event loop stands, or there is none; None when all turn."""
    # Of several processes it is the one whose loop has stood longest.
    turned_at = _read(lambda registry: registry.get_sample_value(last_turn.name))
    if not turned_at:
        return "No process is up."
    blocked = time.time() - turned_at
    return f"An event loop has stood for {blocked:.0f} seconds." if blocked > BLOCKED else None


def _read(read: Callable[[Any], Read]) -> Read:
    for _ in range(ATTEMPTS - 1):
        with suppress(Exception):
            return read(_registry())
        time.sleep(0.05)
    return read(_registry())


def _registry() -> Any:
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    if DIRECTORY not in os.environ:
        return REGISTRY
    _forget_the_dead(Path(os.environ[DIRECTORY]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _forget_the_dead(folder: Path) -> None:
    """Remove what processes that have ended say of their state; their counts stay."""
    for file in folder.glob("gauge_live*.db"):
        try:  # signal 0 only asks whether it is there
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT

    def do_GET(self) -> None:
        path, status, media_type = self.path.partition("?")[0], 200, "text/plain; charset=utf-8"
        try:
            if path == "/metrics":
                body, media_type = rendered(self.headers.get("Accept", ""))
            elif path == "/health/ready":
                reason = why_unready()
                status, body = (503, reason.encode()) if reason else (200, b"ready")
            else:
                status, body = 404, b"/metrics and /health/ready are here"
        except Exception as error:  # noqa: BLE001 - the next scrape may go well
            log.warning("metrics not rendered", error=repr(error))
            status, body = 503, b"The metrics can't be read at the moment."
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing of each scrape."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a scraper that hung up."""


@contextmanager
def served(settings: ObservabilitySettings, port: int) -> Generator[int]:
    """Serve the metrics by a thread; the port, or 0 where it is taken: that stops no process."""
    try:
        server = _Server((settings.metrics_host, port), _Handler)
    except OSError as error:
        log.warning(
            "metrics not served: another process has the port; set METRICS_PORT or "
            "WORKER_METRICS_PORT, or METRICS=off",
            host=settings.metrics_host,
            port=port,
            error=error.strerror,
        )
        yield 0
        return
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    log.info("metrics served", host=settings.metrics_host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def shared_by_processes(settings: ObservabilitySettings) -> Generator[None]:
    """For the parent of several processes: they count into files that it serves the sum of.

    To be called before anything imports prometheus-client, which decides then.
    """
    if not settings.metrics:
        yield
        return
    folder = os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="metrics-")
    try:
        with served(settings, settings.metrics_port):
            yield
    finally:
        del os.environ[DIRECTORY]
        shutil.rmtree(folder, ignore_errors=True)
