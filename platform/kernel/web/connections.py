"""What one process holds for its clients, bounded: connections, waiting time, unsent bytes.

One timer looks at every connection, so that requests need none of their own.
"""

import asyncio
import logging
from collections import Counter
from typing import Any, Protocol

import structlog

from kernel.config.connections import ConnectionSettings
from kernel.config.groups import HttpSettings
from kernel.config.loader import Settings
from kernel.context import KEY
from kernel.rate_limit import network_of
from kernel.web.client_address import is_in

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 0.5
# Of a client that hung up, what runs no longer than this ends by itself: cancelling a statement
# costs its database connection.
GRACE_SECONDS = 0.5
LINGERING = 50  # connections beyond the bound
PROGRESS_BYTES = 64 * 1024
SAFE = ("GET", "HEAD")

_silent = logging.getLogger("kernel.web.cancelled")
_silent.disabled = True


class Connection(Protocol):
    """What the group needs of a connection."""

    client: Any  # host and port; None on a local socket
    deadline: float
    transport: asyncio.Transport

    def expire(self) -> None:
        """End a wait for the client that has lasted until the deadline."""


class ConnectionGroup:
    """The connections of one process. Times are the event loop's, in seconds."""

    def __init__(self, settings: Settings, live: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings.group(ConnectionSettings)
        self.http = settings.group(HttpSettings)
        self._live, self._loop = live, loop
        self._per_network: Counter[str] = Counter()
        self._unsent: dict[Connection, tuple[int, float]] = {}  # the least so far, and since when
        self._abandoned: list[tuple[float, asyncio.Task[None], Any]] = []
        self._sweeping = False

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; False when there are too many, in all or of its network."""
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(SWEEP_SECONDS, self._sweep)
        network = self._network(connection)
        self._per_network[network] += 1
        limit = self.settings.max_connections_per_address
        return len(self._live) <= self.settings.max_connections and (
            not network or self._per_network[network] <= limit
        )

    def may_linger(self) -> bool:
        """Whether there is room for a refused connection until its client has read why."""
        return len(self._live) <= self.settings.max_connections + LINGERING

    def discard(self, connection: Connection) -> None:
        """Take leave of a connection that is lost."""
        self._per_network[self._network(connection)] -= 1
        self._unsent.pop(connection, None)

    def abandon(self, task: "asyncio.Task[None]", cycle: Any) -> None:
        """Cancel, a moment later, the work for a client that hung up, where nothing is lost."""
        self._abandoned.append((self._loop.time() + GRACE_SECONDS, task, cycle))

    def wait_for_reader(self, connection: Connection) -> None:
        """Watch a connection with more unsent bytes than its transport likes to hold."""
        self._unsent[connection] = (_unsent(connection), self._loop.time())
        # Not at once: the transport is in the middle of a write.
        self._loop.call_soon(self._shed)

    def stop_waiting(self, connection: Connection) -> None:
        """The client has taken most of what waited for it."""
        self._unsent.pop(connection, None)

    def _network(self, connection: Connection) -> str:
        """Whose connections are counted together; empty for proxies and local sockets."""
        address = connection.client[0] if connection.client else ""
        trusted = self.http.trusted_proxies
        return "" if not address or is_in(address, trusted) else network_of(address)

    def _shed(self) -> None:
        """While more bytes wait than the process may hold, cut the oldest of the largest taker.

        A single answer may be larger than that.
        """
        waiting = {connection: _unsent(connection) for connection in self._unsent}
        while len(waiting) > 1 and sum(waiting.values()) > self.settings.max_unsent_bytes:
            takers: Counter[str] = Counter()
            for connection, size in waiting.items():
                takers[self._network(connection)] += size
            largest = takers.most_common(1)[0][0]
            cut = next(one for one in waiting if self._network(one) == largest)
            del waiting[cut]
            self._cut(cut, "too many bytes wait for slow readers")

    def _cut(self, connection: Connection, reason: str) -> None:
        self._unsent.pop(connection, None)
        log.info("connection cut", reason=reason, client=connection.client)
        connection.transport.abort()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in list(self._live):
            # One that became a websocket has another protocol, and pings of its own.
            if getattr(connection, "deadline", now + 1) <= now:
                connection.expire()
        self._look_for_progress(now)
        self._cancel_abandoned(now)
        # Counted anew, since those that became websockets leave without a word.
        self._per_network = Counter(map(self._network, self._live))
        self._sweeping = bool(self._live or self._abandoned)
        if self._sweeping:
            self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _look_for_progress(self, now: float) -> None:
        for connection, (least, since) in list(self._unsent.items()):
            size = _unsent(connection)
            if size <= least - PROGRESS_BYTES:
                self._unsent[connection] = (size, now)
            elif now - since >= self.settings.write_timeout:
                self._cut(connection, "the client doesn't read")

    def _cancel_abandoned(self, now: float) -> None:
        kept: list[tuple[float, asyncio.Task[None], Any]] = []
        for due, task, cycle in self._abandoned:
            if task.done():
                continue
            if due > now or not _may_cancel(cycle.scope):
                kept.append((due, task, cycle))
            else:
                cycle.logger = _silent  # uvicorn takes it for a crash
                task.cancel()
        self._abandoned = kept


def group_of(server_state: Any, app: Any, loop: asyncio.AbstractEventLoop) -> ConnectionGroup:
    """The group of a uvicorn server's connections, by its application's settings."""
    found: ConnectionGroup | None = getattr(server_state, "connection_group", None)
    if found is None:
        app = getattr(app, "app", app)  # uvicorn may have wrapped it
        resources = getattr(getattr(app, "state", None), "resources", None)
        settings = resources.settings if resources is not None else Settings()
        found = ConnectionGroup(settings, server_state.connections, loop)
        server_state.connection_group = found
    return found


def _may_cancel(scope: Any) -> bool:
    """Whether nothing is lost: a read, or a write that has written nothing yet."""
    unit = scope[KEY].unit if KEY in scope else None
    if scope["method"] in SAFE:
        return unit is None or not unit.is_over
    return unit is not None and not unit.is_over and not unit.in_transaction_block


def _unsent(connection: Connection) -> int:
    return connection.transport.get_write_buffer_size()
