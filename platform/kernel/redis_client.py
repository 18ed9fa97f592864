"""A lean Redis client: one connection that pipelines, a time-out, a breaker that closes itself.

Commands that one turn of the event loop collects leave in one write, and answers are matched in
order, which costs a twentieth of redis-py's CPU under load. It speaks RESP2 through hiredis.
For anything out of the hot path (and for ARQ) use redis-py.
"""

import asyncio
import hashlib
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import hiredis
import structlog
from redis.asyncio.connection import SSLConnection, parse_url

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 1.0  # seconds
RETRY_DELAYS = (0.0, 0.1, 0.2, 0.5)  # seconds before each attempt to come back; then the last
LOG_INTERVAL = 60.0  # seconds between two lines about the same trouble

Argument = str | bytes | int | float


class RedisAway(Exception):
    """Redis can't be reached or is silent. Raised at once while the breaker is open."""


class Script:
    """A Lua script, sent whole only to a server that doesn't know it yet."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """One server, by URL (redis, rediss or unix; user, password and db in the URL).

    `timeout` is the seconds that an answer may take. The first time-out or lost connection opens
    the breaker: every call fails at once with RedisAway until a PING is answered again.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._address = parse_url(url)
        self._timeout = timeout
        self._connection: _Connection | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._hooks: list[Callable[[], Awaitable[None]]] = []
        self._logged = float("-inf")
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether the breaker is closed."""
        return self._connection is not None

    def on_connect(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` after each (re)connection, before any other call gets through.

        The hook may use `execute`; when it raises RedisAway the breaker stays open.
        """
        self._hooks.append(hook)

    async def open(self) -> None:
        """Connect, for at most CONNECT_TIMEOUT; if that fails, go on trying in the background."""
        try:
            await self._connect()
        except RedisAway as error:
            self._trip(str(error))

    async def close(self) -> None:
        """Disconnect for good."""
        self._closed = True
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
        if self._connection is not None:
            self._connection.drop()

    async def execute(self, *command: Argument) -> Any:
        """One answer: bytes, int, list or None. Raises RedisAway, or hiredis.ReplyError."""
        connection = self._connection
        if connection is None:
            raise RedisAway("Redis is away")
        reply = await connection.send(command)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    async def run(self, script: Script, keys: list[str], *arguments: Argument) -> Any:
        """A script's answer, in one round trip once the server knows the script."""
        try:
            return await self.execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.execute("EVAL", script.source, len(keys), *keys, *arguments)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                connection = await _connect(self._address, self._timeout, self._trip)
        except (OSError, TimeoutError, hiredis.HiredisError) as error:
            raise RedisAway(str(error) or type(error).__name__) from error
        self._connection = connection
        try:
            for hook in self._hooks:
                await hook()
        except BaseException:
            self._connection = None
            connection.drop()
            raise

    def _trip(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop()
        if self._closed or (self._recovery is not None and not self._recovery.done()):
            return
        if time.monotonic() - self._logged > LOG_INTERVAL:
            self._logged = time.monotonic()
            log.warning("redis away", reason=reason)
        self._recovery = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        attempt = 0
        while True:
            await asyncio.sleep(RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)])
            attempt += 1
            with suppress(RedisAway, hiredis.ReplyError):
                await self._connect()
                return


class _Connection(asyncio.Protocol):
    """One socket. Answers come in the order of the commands; an abandoned one is dropped."""

    def __init__(self, timeout: float, lost: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._timeout, self._lost = timeout, lost
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclass of it.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._lost(str(exc or "the connection was closed"))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                future, _ = self._waiting.popleft()
                if not future.done():
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self._lost(f"protocol error: {error}")

    def send(self, command: tuple[Argument, ...]) -> asyncio.Future[Any]:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        future = self._loop.create_future()
        self._waiting.append((future, self._loop.time() + self._timeout))
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._timeout, self._look, False)
        return future

    def expect_within(self, timeout: float) -> None:
        """Change the seconds that later answers may take."""
        self._timeout = timeout
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def drop(self) -> None:
        """Close without waiting; whoever still waits gets RedisAway."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if self._sweep is not None:
            self._sweep.cancel()
        for future, _ in self._waiting:
            if not future.done():
                future.set_exception(RedisAway("Redis didn't answer"))
        self._waiting.clear()

    def _flush(self) -> None:
        data, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None:
            self._transport.write(data)

    def _look(self, again: bool) -> None:
        """Find an answer that is overdue; one timer serves all commands in flight."""
        self._sweep = None
        if not self._waiting:
            return
        due = self._waiting[0][1] - self._loop.time()
        if due > 0:
            self._sweep = self._loop.call_later(due, self._look, False)
        elif not again:
            # The loop itself may have been busy: read what has arrived before judging.
            self._sweep = self._loop.call_later(0.001, self._look, True)
        else:
            self._lost("no answer in time")


_NOTHING = object()


async def _connect(address: Any, patience: float, lost: Callable[[str], None]) -> _Connection:
    loop = asyncio.get_running_loop()

    def factory() -> _Connection:
        return _Connection(CONNECT_TIMEOUT, lost)

    if "path" in address:
        _, connection = await loop.create_unix_connection(factory, address["path"])
    else:
        host, port = address.get("host", "localhost"), address.get("port", 6379)
        tls = _tls(address) if address.get("connection_class") is SSLConnection else None
        _, connection = await loop.create_connection(factory, host, port, ssl=tls)
    try:
        for command in _handshake(address):
            reply = await connection.send(command)
            if isinstance(reply, hiredis.ReplyError):
                raise reply
    except BaseException:
        connection.drop()
        raise
    connection.expect_within(patience)
    return connection


def _handshake(address: Any) -> list[tuple[Argument, ...]]:
    commands: list[tuple[Argument, ...]] = []
    if address.get("password"):
        user = (address["username"],) if address.get("username") else ()
        commands.append(("AUTH", *user, address["password"]))
    if address.get("db"):
        commands.append(("SELECT", address["db"]))
    return [*commands, ("PING",)]


def _tls(address: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.get("ssl_ca_certs"))
    if address.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if address.get("ssl_certfile"):
        context.load_cert_chain(address["ssl_certfile"], address.get("ssl_keyfile"))
    return context
