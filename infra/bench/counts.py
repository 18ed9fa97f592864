"""How many SQL statements and Redis commands one request takes, counted by the servers."""

import asyncio

import asyncpg
import httpx2
from redis.asyncio import Redis

from infra.bench.cases import Case

REQUESTS = 20
# The counting itself, which is not the work of a request.
BACKGROUND = {"client|list"}


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
        "'^(begin|commit|rollback|set|show|select (coalesce|pg_adv)|close|unlisten|reset)'"
    )
    return int(found)


async def _commands(redis: "Redis") -> int:
    # Per client: INFO's figures would count the commands inside a script, too.
    clients = await redis.client_list()
    return sum(int(client["tot-cmds"]) for client in clients if client["cmd"] not in BACKGROUND)
