"""What PostgreSQL has to say about orders, jobs and effects."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest


async def until(happens: Callable[[], Awaitable[bool]], seconds: float = 15) -> float:
    """Wait for it; return how long that took. Raises TimeoutError."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await happens():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
    return time.monotonic() - begun


class Books:
    """Reads and judges the tables of a drill."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def count(self, what: str) -> int:
        return int(await self._connection.fetchval(f"SELECT count(*) FROM {what}"))  # noqa: S608

    async def are(self, what: str, number: int) -> bool:
        """Whether that many jobs are so."""
        return await self.count(f"job WHERE {what}") == number

    async def numbers(self, query: str) -> list[int]:
        return [row[0] for row in await self._connection.fetch(query)]

    async def settle(self, seconds: float) -> float:
        """Wait until no job is open; return how long that took."""
        try:
            return await until(lambda: self.are("finished_at IS NULL", 0), seconds)
        except TimeoutError:
            pytest.fail(await self.open_jobs())

    async def open_jobs(self) -> str:
        """The jobs that have no end yet, for the message of a failed drill."""
        rows = await self._connection.fetch("SELECT * FROM job WHERE finished_at IS NULL LIMIT 5")
        return "\n".join(str(dict(row)) for row in rows)

    async def assert_each_order_is_shipped_once(self) -> None:
        unshipped = await self.numbers(
            "SELECT id FROM drill_order o WHERE NOT EXISTS "
            "(SELECT 1 FROM drill_effect e WHERE e.order_id = o.id)"
        )
        shipped_again = await self.numbers(
            "SELECT order_id FROM drill_effect GROUP BY order_id HAVING count(*) > 1"
        )
        of_nothing = await self.numbers(
            "SELECT order_id FROM drill_effect e WHERE NOT EXISTS "
            "(SELECT 1 FROM drill_order o WHERE o.id = e.order_id)"
        )
        assert (unshipped, shipped_again, of_nothing) == ([], [], [])
        assert await self.count("job WHERE function = 'tasks.ship'") == await self.count(
            "drill_order"
        )
        assert await self.count("job WHERE status <> 'complete'") == 0
