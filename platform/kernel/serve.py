"""`hatch run api`: the API in as many processes as WEB_CONCURRENCY says, ended without a loss.

On SIGTERM readiness fails first; after DRAIN_DELAY the listener closes; requests in flight get
SHUTDOWN_TIMEOUT seconds to finish; then the exit code is 0. SIGHUP replaces the processes one by
one. `uvicorn kernel.main:app --no-proxy-headers` only finishes what is in flight.
"""

import asyncio
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from kernel import logs
from kernel.config.groups import AppSettings, HttpSettings
from kernel.config.loader import Settings, SettingsError
from kernel.config.observability import ObservabilitySettings
from kernel.config.parent import exit_with_parent
from kernel.observability.exposition import shared_by_processes
from kernel.settings import load_settings
from kernel.web.protocol import BoundedProtocol

log = structlog.get_logger("kernel.serve")  # also where it is run as a program

APPLICATION = "kernel.main:app"
# Seconds that idle connections get to be closed by the other side; infra/nginx closes after 4.
IDLE_GRACE = 5.0
# Seconds that a process may take to start; uvicorn's own five are too few on a busy machine.
START_LIMIT = 30


class Config(uvicorn.Config):
    """uvicorn's settings from ours; they travel to the processes that it starts."""

    loaded_app: Any

    def __init__(self, http: HttpSettings, application: str = APPLICATION) -> None:
        super().__init__(
            application,
            host=http.host,
            port=http.port,
            workers=http.web_concurrency,
            http=BoundedProtocol,
            ws_max_size=http.max_body_bytes,
            # One middleware of ours judges forwarding headers, by TRUSTED_PROXIES.
            proxy_headers=False,
            server_header=False,
            # The application writes one line per request, and has configured logging by then.
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=http.shutdown_timeout,
            timeout_worker_healthcheck=START_LIMIT,
        )
        self.drain_delay = http.drain_delay
        self.shutdown_timeout = http.shutdown_timeout


class Server(uvicorn.Server):
    """uvicorn's server, which takes its leave."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._closes_at: float | None = None
        self._idle_grace = IDLE_GRACE

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not kept for raising it again, as uvicorn does: a stop that was asked for is a success.
        if self._closes_at is not None:
            # A second Ctrl-C has no timeout left; a supervisor's SIGTERM follows the first one.
            self.force_exit = self.should_exit = self.force_exit or sig == signal.SIGINT
            return
        delay = self.config.drain_delay
        if sig == signal.SIGINT:  # from a terminal: there is no proxy to drain
            delay = self._idle_grace = 0.0
        self._closes_at = time.monotonic() + delay
        if self.config.loaded:
            # Readiness answers 503, and every answer asks to close the connection.
            self.config.loaded_app.state.resources.draining = True

    async def on_tick(self, counter: int) -> bool:
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ends_at = time.monotonic() + self.config.shutdown_timeout
        log.info("draining", connections=len(self.server_state.connections))
        await self._close_listeners(sockets or [])
        idle_grace = min(time.monotonic() + self._idle_grace, ends_at)
        while self.server_state.connections and not self.force_exit:
            if time.monotonic() > idle_grace:
                break
            await asyncio.sleep(0.05)
        # uvicorn closes the idle ones now, and cancels what is unfinished at the end.
        self.config.timeout_graceful_shutdown = max(1, round(ends_at - time.monotonic()))
        await super().shutdown(None)

    async def _close_listeners(self, sockets: list[socket.socket]) -> None:
        """Close the listeners, but serve clients that had connected before.

        A closed listener resets the connections in its queue; so a copy of it outlives it until
        the queue is empty.
        """
        copies = [listener.dup() for listener in sockets]
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        queued: list[socket.socket] = []
        for copy in copies:
            copy.setblocking(False)
            try:
                while True:
                    queued.append(copy.accept()[0])
            except OSError:  # the queue is empty
                copy.close()
        loop = asyncio.get_running_loop()
        for connection in queued:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        config, state = self.config, self.lifespan.state
        return BoundedProtocol(config, self.server_state, state)


class Process(multiprocess.Process):
    """One of several processes, with our server in it."""

    config: Config

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(self.config)
        return self._server


class Supervisor(multiprocess.Multiprocess):
    """uvicorn's supervisor, which lets go of the listener before its processes do."""

    def terminate_all(self) -> None:
        # While a process holds the listener, connections queue on it and are never accepted.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


# uvicorn's supervisor makes processes of that name, and offers no other way to give it ours.
multiprocess.Process = Process  # type: ignore[misc]


def serve(settings: Settings, application: str = APPLICATION) -> int:
    """Serve until a signal, or until it can't; return the exit code."""
    logs.configure(settings.group(AppSettings))
    config = Config(settings.group(HttpSettings), application)
    listener = config.bind_socket()
    exit_with_parent()
    if config.workers > 1:
        supervisor = Supervisor(config, [listener])
        with shared_by_processes(settings.group(ObservabilitySettings)):
            supervisor.run()
        return max((abs(process.exitcode or 0) for process in supervisor.processes), default=0)
    server = Server(config)
    server.run([listener])
    return 0 if server.started else STARTUP_FAILURE


if __name__ == "__main__":
    try:
        sys.exit(serve(load_settings()))
    except SettingsError as error:
        sys.exit(str(error))
