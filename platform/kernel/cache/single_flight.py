"""Loads once what many readers miss at the same time, in this process and in all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from kernel.cache.ticket import Ticket
from kernel.redis.client import Redis
from kernel.redis.connection import REDIS_ERRORS

LOCK_MS = 3_000  # after this, a loader in another process is taken for dead
WAIT_SECONDS = 2.0  # the most that a reader waits for another one's load
POLL_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05)

Load = Callable[[], Awaitable[bytes | None]]
Read = Callable[[str, tuple[str, ...], bool], Awaitable[tuple[bytes | None, Ticket | None]]]
Store = Callable[[Ticket, bytes, float], Awaitable[None]]


class SingleFlight:
    """The loads in flight of one process.

    They go by ticket, that is by key and versions: a reader that came after an answered write must
    not join a load that began before it.
    """

    def __init__(self, read: Read, store: Store, on_shared: Callable[[], None]) -> None:
        self._read, self._store, self._on_shared = read, store, on_shared
        self._flights: dict[Ticket, asyncio.Future[bytes | None]] = {}

    async def join(
        self, redis: Redis, ticket: Ticket, names: tuple[str, ...], load: Load, seconds: float
    ) -> bytes | None:
        """The value that `load` gives here, or that another reader's load gave."""
        flight = self._flights.get(ticket)
        if flight is None:
            return await self._lead(redis, ticket, names, load, seconds)
        value: bytes | None = None
        with suppress(TimeoutError):
            value = await asyncio.wait_for(asyncio.shield(flight), WAIT_SECONDS)
        if value is None:
            return await load()
        self._on_shared()
        return value

    async def _lead(
        self, redis: Redis, ticket: Ticket, names: tuple[str, ...], load: Load, seconds: float
    ) -> bytes | None:
        flight = self._flights[ticket] = asyncio.get_running_loop().create_future()
        lock = _Lock(redis, f"l:{ticket.key}:{ticket.header.decode()}")
        value: bytes | None = None
        try:
            value = await self._await_others(lock, ticket, names)
            if value is None:
                value = await load()
                if value is not None:
                    await self._store(ticket, value, seconds)
            return value
        finally:
            del self._flights[ticket]
            if not flight.done():
                flight.set_result(value)
            await lock.release()

    async def _await_others(
        self, lock: "_Lock", ticket: Ticket, names: tuple[str, ...]
    ) -> bytes | None:
        """What another process loads; None when this one may load, or has waited long enough."""
        loop = asyncio.get_running_loop()
        deadline, attempt = loop.time() + WAIT_SECONDS, 0
        while True:
            # Read again with each try, in the same round trip: what was in flight may have landed.
            taken, (value, now) = await asyncio.gather(
                lock.take(), self._read(ticket.key, names, ticket.signed)
            )
            if value is not None:
                self._on_shared()
                return value
            if taken or loop.time() > deadline:
                return None
            if now != ticket:
                # A write was answered since; the load in flight may have begun before it.
                return None
            await asyncio.sleep(POLL_SECONDS[min(attempt, len(POLL_SECONDS) - 1)])
            attempt += 1


class _Lock:
    """Says to other processes that this one loads. While Redis is away every process may."""

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis, self._key = redis, key
        self._until = 0.0

    async def take(self) -> bool:
        now = asyncio.get_running_loop().time()
        try:
            taken = await self._redis.execute("SET", self._key, "1", "NX", "PX", LOCK_MS)
        except REDIS_ERRORS:
            return True
        if taken is not None:
            self._until = now + LOCK_MS / 1000
        return taken is not None

    async def release(self) -> None:
        # Once it has run out it may be another process's.
        if asyncio.get_running_loop().time() < self._until:
            with suppress(*REDIS_ERRORS):
                await self._redis.execute("DEL", self._key)
