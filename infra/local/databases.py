"""Makes, copies and drops databases on a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection for the block; other drivers' names in the URL are understood, too."""
    connection = await asyncpg.connect(plain(url), timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def plain(url: str) -> str:
    """The URL without the name of a driver: `postgresql+asyncpg://` is SQLAlchemy's word."""
    return f"postgresql://{url.partition('://')[2]}"


async def ensure(url: str, name: str) -> None:
    """Make that database unless it is there."""
    async with connected(url) as connection:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(f'create database "{name}"')


async def names(url: str, prefix: str) -> list[str]:
    """The databases whose names begin so."""
    async with connected(url) as connection:
        found = await connection.fetch(
            "select datname from pg_database where starts_with(datname, $1)", prefix
        )
    return [row["datname"] for row in found]


async def comments(url: str, prefix: str) -> dict[str, str | None]:
    """What is said of the databases whose names begin so."""
    async with connected(url) as connection:
        found = await connection.fetch(
            "select datname, shobj_description(oid, 'pg_database') as said from pg_database "
            "where starts_with(datname, $1)",
            prefix,
        )
    return {row["datname"]: row["said"] for row in found}


async def copy(url: str, template: str, name: str, strategy: str) -> None:
    """Make a database as a copy of another one that has no connections."""
    async with connected(url) as connection:
        await connection.execute(
            f'create database "{name}" template "{template}" strategy {strategy}'
        )


async def rename(url: str, old: str, new: str) -> None:
    async with connected(url) as connection:
        await connection.execute(f'alter database "{old}" rename to "{new}"')


async def drop(url: str, *doomed: str) -> None:
    """Drop these, even while clients are connected; one that isn't there is fine."""
    async with connected(url) as connection:
        for name in doomed:
            await connection.execute(f'drop database if exists "{name}" with (force)')


async def is_superuser(url: str) -> bool:
    async with connected(url) as connection:
        return bool(await connection.fetchval("show is_superuser") == "on")


async def execute(url: str, statement: str) -> None:
    async with connected(url) as connection:
        await connection.execute(statement)


def as_role(url: str, role: str) -> str:
    """The address, for another role that has the same password."""
    return make_url(url).set(username=role).render_as_string(hide_password=False)
