"""Values in Redis that are never stale: each was made under versions of the names it depends on.

A name ("user:7", "ada_posts:*") has a random version in Redis, and a stored value begins with the
versions that were read *before* it was loaded. It is a hit only while all of them still stand.
So forgetting a name is removing one key, however many values depend on it: the next reader makes
a new version. A reader that loaded before a commit can't put the old value back.

A writer announces the names that it changes before it commits and forgets them after it: in between
nothing that depends on them is a hit or is stored. If it dies in between, its intents expire,
and the names are without a version. Names that couldn't be announced are kept for a worker, in
the transaction (kernel.cache.deferred).

Every value also stands under an epoch, which all processes extend while they reach Redis. A
process that lost Redis ends the epoch when it is back, and an epoch that no process could extend
has run out by then. With it goes whatever was forgotten meanwhile in vain, by whichever process.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from kernel.cache.epoch import EPOCH, EPOCH_MS, Epoch
from kernel.cache.seal import Seal
from kernel.cache.single_flight import SingleFlight
from kernel.cache.ticket import Ticket
from kernel.cache.write_intents import ANNOUNCE, FORGET, INTENT_MS, NO_WRITER
from kernel.redis.client import Redis
from kernel.redis.connection import REDIS_ERRORS, Script
from kernel.redis.holding import keys_holding

Load = Callable[[], Awaitable[bytes | None]]

LOADING_MS = 20_000  # a version lives as long as the loads that may want to store under it


STORE = Script.beside(__file__, "store.lua")


class VersionedStore:
    """The versioned values of one Redis; without a Redis every read is a miss.

    What is fetched as `signed` is stored with a signature by the first of `keys` over key, versions
    and time, so that what others have written into Redis, copied to another key or put back after
    its time is no hit.
    """

    def __init__(
        self, redis: Redis | None, role: str = "cache", keys: Sequence[bytes] = ()
    ) -> None:
        self.role = role
        self._seal = Seal(keys) if keys else None
        self._redis = redis
        # Called with what became of each look: hit, miss, unavailable; or shared, of a miss that
        # took what another reader had loaded.
        self.observers: list[Callable[[str], None]] = []
        self._flights = SingleFlight(self._look, self.store, lambda: self._tell("shared"))
        self._epoch = Epoch(redis)

    async def read(
        self, key: str, names: Iterable[str], signed: bool = False
    ) -> tuple[bytes | None, Ticket | None]:
        """The value, or None and a ticket for storing it; no ticket: don't store.

        One round trip for a hit. Raises nothing when Redis is away: that is a miss.
        """
        value, ticket = await self._look(key, names, signed)
        if self.observers:
            away = self._redis is None or not self._redis.available
            self._tell("hit" if value is not None else "unavailable" if away else "miss")
        return value, ticket

    def _tell(self, result: str) -> None:
        for observe in self.observers:
            observe(result)

    async def _look(
        self, key: str, names: Iterable[str], signed: bool = False
    ) -> tuple[bytes | None, Ticket | None]:
        if self._redis is None:
            return None, None
        keys = (EPOCH, *[f"v:{name}" for name in names])
        try:
            entry, *versions = await self._redis.execute("MGET", f"e:{key}", *keys)
            if None in versions:
                versions = await self._complete(keys, versions)
        except REDIS_ERRORS:
            return None, None
        header: bytes = b"|".join(versions) + b"\n"
        if b"!" in header:  # a writer's intent, in place of a version
            return None, None
        if entry is not None and entry.startswith(header):
            if not signed or self._seal is None:
                return entry[len(header) :], None
            value = self._seal.open(key, header, entry[len(header) :])
            if value is not None:
                return value, None
        return None, Ticket(key, keys[1:], tuple(versions), header, signed)

    async def store(self, ticket: Ticket, value: bytes, seconds: float) -> None:
        """Keep the value for those seconds, if the ticket's versions still stand."""
        if self._redis is None:
            return
        keys = [f"e:{ticket.key}", EPOCH, *ticket.names]
        if ticket.signed and self._seal is not None:
            value = self._seal.close(ticket.key, ticket.header, value, seconds)
        with suppress(*REDIS_ERRORS):
            life = int(seconds * 1000)
            await self._redis.run(STORE, keys, life, ticket.header + value, *ticket.versions)

    async def fetch(
        self, key: str, names: Iterable[str], load: Load, seconds: float, signed: bool = False
    ) -> bytes | None:
        """The value, loaded once however many readers miss it at the same time.

        `load` may return None for what must not be kept. A caller that has waited two seconds for
        another reader's load, in this process or elsewhere, loads for itself.
        """
        names = tuple(names)
        value, ticket = await self.read(key, names, signed)
        if value is not None:
            return value
        return await self.fill(ticket, names, load, seconds)

    async def fill(
        self, ticket: Ticket | None, names: Iterable[str], load: Load, seconds: float
    ) -> bytes | None:
        """As `fetch`, after a `read` that was a miss and gave this ticket."""
        if ticket is None or self._redis is None:
            return await load()
        return await self._flights.join(self._redis, ticket, tuple(names), load, seconds)

    async def announce(self, names: Iterable[str], token: str) -> bool:
        """Before a commit: until `forget`, nothing that depends on these names is hit or stored.

        False when Redis didn't confirm it.
        """
        if self._redis is None:
            return True
        try:
            await self._redis.run(ANNOUNCE, [f"v:{name}" for name in names], token, INTENT_MS)
        except REDIS_ERRORS:
            return False
        return True

    async def forget(self, names: Iterable[str], token: str = NO_WRITER) -> bool:
        """After a commit: forget all that depends on these names.

        False when Redis didn't confirm it: then it is pending, and done as soon as Redis is back.
        """
        if self._redis is None:
            return True
        names = set(names)
        try:
            await self._redis.run(FORGET, [f"v:{name}" for name in names], token)
        except REDIS_ERRORS:
            self._epoch.add_pending(names, token)
            return False
        return True

    async def erase(self, texts: Iterable[str]) -> None:
        """Remove the entries that hold one of these texts, in their key or their value.

        While Redis is away they stay until they expire, and are no hit.
        """
        if self._redis is not None:
            with suppress(*REDIS_ERRORS):
                async for keys in keys_holding(self._redis, "[ev]:*", texts):
                    await self._redis.execute("DEL", *keys)

    async def close(self) -> None:
        """Stop extending the epoch."""
        await self._epoch.close()

    async def _complete(self, keys: tuple[str, ...], found: list[bytes | None]) -> list[bytes]:
        """Give a first version to each name that has none; the first one wins."""
        assert self._redis is not None
        missing = [key for key, version in zip(keys, found, strict=True) if version is None]
        made = {key: secrets.token_hex(8).encode() for key in missing}
        lives = [EPOCH_MS if key == EPOCH else LOADING_MS for key in missing]
        commands = [
            ("SET", key, made[key], "NX", "PX", life, "GET")
            for key, life in zip(missing, lives, strict=True)
        ]
        replies = await asyncio.gather(*[self._redis.execute(*command) for command in commands])
        now = {key: old or made[key] for key, old in zip(missing, replies, strict=True)}
        return [version or now[key] for key, version in zip(keys, found, strict=True)]


class Stores(dict[str, VersionedStore]):
    """The stores of a process, by Redis role: `cache` for answers, `rate_limit` for rules."""
