"""`python -m infra.scaffold.rows TABLE...`: how many rows dev's database has."""

import asyncio
import json
import sys

import asyncpg

from kernel.config.database import DatabaseSettings
from kernel.settings import load_settings


async def count(tables: list[str]) -> dict[str, int]:
    """The rows of each table that is there."""
    url = load_settings().group(DatabaseSettings).owner_url.set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=10)
    try:
        return {
            table: await connection.fetchval(f'SELECT count(*) FROM "{table}"')  # noqa: S608
            for table in tables
            if await connection.fetchval("SELECT to_regclass($1)", f'public."{table}"')
        }
    finally:
        await connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(count(sys.argv[1:]))))
