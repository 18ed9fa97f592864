"""A lean Redis client: one connection that pipelines, a time-out, a breaker that closes itself.

It costs a twentieth of redis-py's CPU under load. For anything out of the hot path (and for ARQ)
use redis-py.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import hiredis
import structlog

from kernel.config.addresses import redis_urls
from kernel.redis.connection import Argument, Connection, RedisUnavailable, Script
from kernel.redis.dial import dial
from kernel.redis.usage import call_observer_var, usage_var

log = structlog.get_logger(__name__)

RETRY_DELAYS = (0.0, 0.1, 0.2, 0.5)  # seconds before each attempt to come back; then the last
LASTING = 5.0  # seconds after which a connection counts as a good one
LOG_INTERVAL = 60.0  # seconds between two lines about the same trouble
# By the first word of an error. What says that the command is wrong is the caller's affair;
# anything else says that the server can't do its work; and from some a new connection is better.
FAULTS = ("ERR", "WRONGTYPE", "NOSCRIPT")
WRONG_SERVER = ("READONLY", "REDIRECT", "UNBLOCKED", "LOADING", "MASTERDOWN", "NOAUTH")

_exception_of = asyncio.Future[Any].exception
# Given the connection, and whether it is a new one.
Hook = Callable[[Connection, bool], Awaitable[None]]


class Redis:
    """One server, by URL (redis, rediss, unix; user, password, db in it); of several, the primary.

    `timeout` is the seconds that an answer may take. The first one that is overdue opens the
    breaker: every call fails at once with RedisUnavailable, until the server has answered all that
    it was asked. When it is silent for a second, or the connection is lost, a new one is made.
    """

    def __init__(self, url: str, timeout: float, name: str = "redis") -> None:
        self._urls = redis_urls(url)
        self._timeout, self._name = timeout, name
        self._connection: Connection | None = None
        self._hooks: list[Hook] = []
        self._recovery: asyncio.Task[None] | None = None
        self._open = self._closed = False
        self._attempt = 0
        self._connected_at = self._logged_at = self._complained = float("-inf")
        self._is_logged = False

    @property
    def available(self) -> bool:
        """Whether the breaker is closed."""
        return self._open

    def on_connect(self, hook: Hook) -> None:
        """Run `hook(connection, fresh)` before any call gets through: on a fresh connection, and
        when a silent one answers again. When it raises, another connection is made."""
        self._hooks.append(hook)

    async def open(self) -> None:
        """Connect, for at most a second a server; if that fails, go on trying in the background."""
        try:
            await self._connect()
        except RedisUnavailable as error:
            self._tell(str(error))
            self._recover()

    async def close(self) -> None:
        """Disconnect for good."""
        self._closed, self._open = True, False
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def execute(self, *command: Argument) -> Any:
        """One answer: bytes, int, list or None. Raises RedisUnavailable, or hiredis.ReplyError for
        a command that is wrong."""
        connection = self._connection
        if connection is None or not self._open:
            raise RedisUnavailable("Redis is away")
        if (usage := usage_var.get()) is not None:
            usage.count_trip(connection, connection.writes)
        future = connection.send(command)
        if (observe := call_observer_var.get()) is not None:
            name, started = str(command[0]), time.perf_counter()
            future.add_done_callback(
                lambda _: observe("redis", name, started, time.perf_counter() - started)
            )
        reply = await future
        if isinstance(reply, hiredis.ReplyError):
            raise self._judge(connection, reply)
        return reply

    def tell(self, *command: Argument) -> None:
        """Send a command whose answer doesn't matter; does nothing while the breaker is open."""
        if self._connection is not None and self._open:
            self._connection.send(command).add_done_callback(_exception_of)

    async def run(self, script: Script, keys: list[str], *arguments: Argument) -> Any:
        """A script's answer, in one round trip once the server knows the script."""
        try:
            return await self.execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.execute("EVAL", script.source, len(keys), *keys, *arguments)

    def on_silence(self, connection: Connection) -> None:
        """See redis_connection.Events."""
        if connection is self._connection:
            self._open = False
            self._tell("no answer in time")

    def on_answer(self, connection: Connection) -> None:
        """See redis_connection.Events."""
        if connection is self._connection:
            self._recover()

    def on_loss(self, connection: Connection, reason: str) -> None:
        """See redis_connection.Events."""
        if connection is self._connection:
            self._connection, self._open = None, False
            self._tell(reason)
            self._recover()

    def _judge(self, connection: Connection, error: hiredis.ReplyError) -> Exception:
        code = str(error).partition(" ")[0]
        if code in FAULTS:
            if code != "NOSCRIPT" and time.monotonic() - self._complained > LOG_INTERVAL:
                self._complained = time.monotonic()
                log.error("redis refused a command", redis=self._name, reason=str(error))
            return error
        if code in WRONG_SERVER:
            connection.lose(str(error))
        self._tell(str(error))
        return RedisUnavailable(str(error))

    async def _connect(self) -> None:
        fresh = self._connection is None
        if self._connection is None:
            self._connection = await dial(self._urls, self._timeout, self)
        connection = self._connection
        try:
            for hook in self._hooks:
                await hook(connection, fresh)
            if self._connection is not connection or connection.silent:
                raise RedisUnavailable("the connection was lost at once")
        except BaseException as error:
            connection.close()
            if self._connection is connection:
                self._connection = None
            if isinstance(error, hiredis.ReplyError):
                raise RedisUnavailable(str(error)) from error
            raise
        self._open = True
        if fresh:
            self._connected_at = time.monotonic()
        if self._is_logged:
            self._is_logged = False
            log.info("redis is back", redis=self._name)

    def _recover(self) -> None:
        running = self._recovery is not None and not self._recovery.done()
        if not running and not self._closed:
            self._recovery = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        if time.monotonic() - self._connected_at > LASTING:
            self._attempt = 0
        while True:
            if self._connection is None:
                await asyncio.sleep(RETRY_DELAYS[min(self._attempt, len(RETRY_DELAYS) - 1)])
                self._attempt += 1
            try:
                await self._connect()
            except RedisUnavailable as error:
                self._tell(str(error))
            except Exception as error:  # a hook's mistake must not keep Redis away for ever
                self._tell(repr(error))
                log.exception("redis: on_connect failed", redis=self._name)
            else:
                return

    def _tell(self, reason: str) -> None:
        if not self._closed and time.monotonic() - self._logged_at > LOG_INTERVAL:
            self._logged_at, self._is_logged = time.monotonic(), True
            log.warning("redis away", redis=self._name, reason=reason)
