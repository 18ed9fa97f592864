"""How many SQL statements and Redis commands one request takes, counted by the servers."""

import asyncio

import asyncpg
import httpx2
from redis.asyncio import Redis

from infra.bench.cases import Case

REQUESTS = 20
# Not the work of a request: what every process does by itself, and the counting.
BACKGROUND = {"info", "pexpire", "config", "select", "auth", "ping", "client", "script"}


async def count(
    base: str, case: Case, token: str, database_url: str, redis_url: str
) -> tuple[float, float]:
    """SQL statements (BEGIN and COMMIT not counted) and Redis commands per request."""
    headers = {**case.headers, **({"Authorization": f"Bearer {token}"} if case.token else {})}
    connection, redis = await asyncpg.connect(database_url), Redis.from_url(redis_url)
    async with httpx2.AsyncClient(base_url=base, headers=headers) as client:
        await client.request(case.method, case.path, content=case.body)
        before = await _statements(connection), await _commands(redis)
        for _ in range(REQUESTS):
            await client.request(case.method, case.path, content=case.body)
        await asyncio.sleep(0.1)
        after = await _statements(connection), await _commands(redis)
    await connection.close()
    await redis.aclose()
    statements, commands = (b - a for a, b in zip(before, after, strict=True))
    return statements / REQUESTS, commands / REQUESTS


async def _statements(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    found = await connection.fetchval(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query !~* "
        "'^(begin|commit|rollback|set|show|select coalesce\\(sum\\(calls|deallocate|discard)'"
    )
    return int(found)


async def _commands(redis: "Redis") -> int:
    stats = await redis.info("commandstats")
    return sum(
        figures["calls"]
        for name, figures in stats.items()
        if name.removeprefix("cmdstat_").partition("|")[0] not in BACKGROUND
    )
