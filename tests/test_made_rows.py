"""The rows that the check of the migrations makes for every table."""

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from infra.checks.migrations import rows


async def test_rows_are_made_anew_at_each_revision_after_all_tables_are_there(
    owner_url: str,
) -> None:
    """A product may begin with one revision that makes them all."""
    engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            refused = [await connection.run_sync(rows.fill) for _ in range(4)]
            await connection.rollback()
    finally:
        await engine.dispose()

    assert refused == [[]] * 4
