"""How many SQL statements and Redis round trips one request takes, counted by the servers."""

import asyncio

import asyncpg
import httpx2
from redis.asyncio import Redis

from infra.bench.cases import Case

REQUESTS = 20
# What a process does by itself: extending the epoch on what it keeps.
BACKGROUND = "PEXPIRE epoch"


async def count(
    base: str, case: Case, token: str, database_url: str, redis_url: str
) -> tuple[float, float]:
    """SQL statements (BEGIN and COMMIT not counted) and Redis round trips per request."""
    headers = {**case.headers, **({"Authorization": f"Bearer {token}"} if case.token else {})}
    connection, redis, seen = await asyncpg.connect(database_url), Redis.from_url(redis_url), []

    async def watch() -> None:
        async with redis.monitor() as monitor:
            async for command in monitor.listen():
                seen.append(command)

    async with httpx2.AsyncClient(base_url=base, headers=headers) as client:
        await client.request(case.method, case.path, content=case.body)
        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.2)
        before = await _statements(connection)
        for _ in range(REQUESTS):
            await client.request(case.method, case.path, content=case.body)
        await asyncio.sleep(0.2)
        after = await _statements(connection)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await connection.close()
    await redis.aclose()
    # A script is one round trip, whatever it does inside the server.
    trips = [
        command
        for command in seen
        if command["client_type"] != "lua" and not command["command"].startswith(BACKGROUND)
    ]
    return (after - before) / REQUESTS, len(trips) / REQUESTS


async def _statements(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    found = await connection.fetchval(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query !~* "
        "'^(begin|commit|rollback|set|show|select (coalesce|pg_adv)|close|unlisten|reset)'"
    )
    return int(found)
