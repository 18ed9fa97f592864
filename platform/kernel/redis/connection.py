"""One connection to Redis: what one turn of the event loop collects leaves in one write.

Answers are matched in order, so a caller that timed out shifts no other answer. It speaks
RESP2 through hiredis, on asyncio's and uvloop's transports alike.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import hiredis

GIVE_UP = 1.0  # seconds of silence after which the connection itself is given up

Argument = str | bytes | int | float
# What hiredis declares takes one argument.
pack_command: Callable[[tuple[Argument, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


class RedisUnavailable(Exception):
    """Redis can't be reached, is silent or refuses. Raised at once while the breaker is open."""


# What a cache or a limit must not fail by: a command that this server refuses, too.
REDIS_ERRORS = (RedisUnavailable, hiredis.ReplyError)


class Script:
    """A Lua script, sent whole only to a server that doesn't know it yet."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def beside(cls, module: str, *names: str) -> "Script":
        """The script in these files, one after the other, beside a module's `__file__`."""
        folder = Path(module).parent
        return cls("".join((folder / name).read_text(encoding="utf-8") for name in names))


class Events(Protocol):
    """Callbacks for what becomes of a connection."""

    def on_silence(self, connection: "Connection") -> None:
        """An answer is overdue; all who waited have got RedisUnavailable."""

    def on_answer(self, connection: "Connection") -> None:
        """A silent connection has answered everything that it was asked."""

    def on_loss(self, connection: "Connection", reason: str) -> None:
        """It is closed, and all who waited have got RedisUnavailable."""


class Connection(asyncio.Protocol):
    """Commands and their answers on one socket."""

    def __init__(self, timeout: float, events: Events) -> None:
        self.timeout = timeout
        self.silent = False
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._sent = self._answered = self.writes = 0
        # For each write the number of its last command, and when that must be answered.
        self._writes: deque[tuple[int, float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def execute(self, *command: Argument) -> Any:
        """One answer: bytes, int, list or None. Raises RedisUnavailable, or hiredis.ReplyError."""
        reply = await self.send(command)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    async def run(self, script: Script, keys: list[str], *arguments: Argument) -> Any:
        """A script's answer; it is sent whole."""
        return await self.execute("EVAL", script.source, len(keys), *keys, *arguments)

    def send(self, command: tuple[Argument, ...]) -> asyncio.Future[Any]:
        """The future of one answer, maybe a hiredis.ReplyError. Raises RedisUnavailable."""
        data = _pack(command)
        if not self._outgoing:
            self._loop.call_soon(self._write)
        self._outgoing.append(data)
        future = self._loop.create_future()
        self._waiting.append(future)
        return future

    def expect_within(self, timeout: float) -> None:
        """Change the seconds that later answers may take."""
        self.timeout = timeout
        self._arm(None)

    def close(self, reason: str = "Redis is away") -> None:
        """Close without waiting; only those who wait for an answer get an error."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        self._fail_waiting(reason)
        self._waiting.clear()

    def lose(self, reason: str) -> None:
        """Close, and call back."""
        if self._transport is not None:
            self.close(reason)
            self._events.on_loss(self, reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclass of it.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(str(exc or "the connection was closed"))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                future = self._waiting.popleft()
                self._answered += 1
                if not future.done():
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self.lose(f"protocol error: {error}")
            return
        if self.silent and not self._waiting:
            self.silent = False
            self._writes.clear()
            self._arm(None)
            self._events.on_answer(self)

    def _write(self) -> None:
        data, self._outgoing = self._outgoing, []
        if self._transport is None:
            # Closed since: a later caller must not wait for ever.
            self.close()
            return
        self._sent += len(data)
        self.writes += 1
        self._writes.append((self._sent, self._loop.time() + self.timeout))
        if self._timer is None:
            self._arm(self.timeout)
        self._transport.write(b"".join(data))

    def _arm(self, delay: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if delay is None else self._loop.call_later(delay, self._look)

    def _look(self) -> None:
        """Find an answer that is overdue; one timer serves all commands in flight.

        An event loop that was busy reads what has arrived before it runs its timers.
        """
        self._timer = None
        while self._writes and self._writes[0][0] <= self._answered:
            self._writes.popleft()
        if self._writes:
            due = self._writes[0][1] - self._loop.time()
            if due > 0:
                self._arm(due)
            else:
                self._fall_silent()

    def _fall_silent(self) -> None:
        # Abandoned answers keep their places: they may still come, and in this order.
        self.silent = True
        self._fail_waiting("Redis didn't answer in time")
        reason = f"no answer for {GIVE_UP:g} seconds"
        self._timer = self._loop.call_later(max(0, GIVE_UP - self.timeout), self.lose, reason)
        self._events.on_silence(self)

    def _fail_waiting(self, reason: str) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(RedisUnavailable(reason))


_NOTHING = object()


def _pack(command: tuple[Argument, ...]) -> bytes:
    try:
        return pack_command(command)
    except UnicodeEncodeError:
        # A lone surrogate, which JSON can carry, is no text; it may be part of a key all the same.
        raw = [
            part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            for part in command
        ]
        return pack_command(tuple(raw))
