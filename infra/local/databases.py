"""Makes and drops databases on a server."""

import asyncpg

Address = str


async def _connect(url: Address) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url, timeout=10)


async def ensure(url: Address, name: str) -> None:
    """Make that database unless it is there."""
    connection = await _connect(url)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
