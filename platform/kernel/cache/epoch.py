"""The epoch that every value stands under, and what this process still has to forget.

All processes extend it while they reach Redis. Ending it forgets everything at once.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from kernel.cache.write_intents import FORGET
from kernel.redis.client import Redis
from kernel.redis.connection import REDIS_ERRORS, Connection

EPOCH = "epoch"
EPOCH_MS = 1000  # after trouble with Redis nothing older than this is served
KEEP_SECONDS = 0.25
MAX_PENDING = 10_000  # names, and writers; with more of them, everything is forgotten


class Epoch:
    """This process's share in keeping the epoch of one Redis."""

    def __init__(self, redis: Redis | None) -> None:
        self._pending: set[str] = set()
        self._tokens: set[str] = set()
        self._flush_all = self._was_connected = False
        self._keeper: asyncio.Task[None] | None = None
        if redis is not None:
            self._redis = redis
            redis.on_connect(self._on_connect)

    def add_pending(self, names: Iterable[str], token: str) -> None:
        """Forget these names, and that writer's intents, as soon as Redis is back."""
        self._pending.update(names)
        self._tokens.add(token)
        if max(len(self._pending), len(self._tokens)) > MAX_PENDING:
            self._flush_all = True
            self._pending.clear()
            self._tokens.clear()

    async def close(self) -> None:
        """Stop extending the epoch."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def _on_connect(self, connection: Connection, fresh: bool) -> None:
        """Forget what is pending, before anything is read from the connection."""
        # Another server may be there, or this one without its last second, or other processes
        # may have forgotten in vain and died: more may have come back than this process knows of.
        if fresh and self._was_connected:
            self._flush_all = True
        self._was_connected = True
        await self._flush(connection)
        if self._keeper is None:
            # One that no process extends any more may be from before a failover: let it run out.
            found = await connection.execute("GET", EPOCH)
            wait = 1.5 * EPOCH_MS / 1000 if found else 0
            self._keeper = asyncio.get_running_loop().create_task(self._keep(wait))

    async def _flush(self, redis: Redis | Connection) -> None:
        while self._flush_all or self._pending:
            names, tokens, everything = self._pending, self._tokens, self._flush_all
            self._pending, self._tokens, self._flush_all = set(), set(), False
            try:
                if everything:
                    await redis.execute("DEL", EPOCH)
                if names:
                    await redis.run(FORGET, [f"v:{name}" for name in names], *tokens)
            except BaseException:
                self._pending |= names
                self._tokens |= tokens
                self._flush_all |= everything
                raise

    async def _keep(self, wait: float) -> None:
        """Extend the epoch while Redis is reached; this is its heartbeat, too."""
        await asyncio.sleep(wait)
        while True:
            with suppress(*REDIS_ERRORS):
                await self._redis.execute("PEXPIRE", EPOCH, EPOCH_MS)
                await self._flush(self._redis)
            await asyncio.sleep(KEEP_SECONDS)
