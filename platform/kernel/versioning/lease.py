"""The lease that every value stands under, and what this process still has to forget.

All processes extend it while they reach Redis. Ending it forgets everything at once.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import hiredis

from kernel.redis.client import Connection, Redis, RedisAway
from kernel.versioning.marks import FORGET

LEASE = "lease"
LEASE_MS = 1000  # after trouble with Redis nothing older than this is served
KEEP_SECONDS = 0.25
MAX_OWED = 10_000  # names, and writers; with more of them, everything is forgotten


class Lease:
    """This process's share in keeping the lease of one Redis."""

    def __init__(self, redis: Redis | None) -> None:
        self._owed: set[str] = set()
        self._tokens: set[str] = set()
        self._owes_all = self._was_connected = False
        self._keeper: asyncio.Task[None] | None = None
        if redis is not None:
            self._redis = redis
            redis.on_connect(self._settle)

    def owe(self, names: Iterable[str], token: str) -> None:
        """Forget these names, and that writer's marks, as soon as Redis is back."""
        self._owed.update(names)
        self._tokens.add(token)
        if max(len(self._owed), len(self._tokens)) > MAX_OWED:
            self._owes_all = True
            self._owed.clear()
            self._tokens.clear()

    async def close(self) -> None:
        """Stop extending the lease."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def _settle(self, connection: Connection, fresh: bool) -> None:
        """Pay what is owed, before anything is read from the connection."""
        # Another server may be there, or this one without its last second, or other processes
        # may have forgotten in vain and died: more may have come back than this process owes.
        if fresh and self._was_connected:
            self._owes_all = True
        self._was_connected = True
        await self._pay(connection)
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _pay(self, redis: Redis | Connection) -> None:
        while self._owes_all or self._owed:
            names, tokens, everything = self._owed, self._tokens, self._owes_all
            self._owed, self._tokens, self._owes_all = set(), set(), False
            try:
                if everything:
                    await redis.execute("DEL", LEASE)
                if names:
                    await redis.run(FORGET, [f"v:{name}" for name in names], *tokens)
            except BaseException:
                self._owed |= names
                self._tokens |= tokens
                self._owes_all |= everything
                raise

    async def _keep(self) -> None:
        """Extend the lease while Redis is reached; this is its heartbeat, too."""
        while True:
            with suppress(RedisAway, hiredis.ReplyError):
                await self._redis.execute("PEXPIRE", LEASE, LEASE_MS)
                await self._pay(self._redis)
            await asyncio.sleep(KEEP_SECONDS)
