"""The rows that the check of the migrations makes for every table."""

from sqlalchemy import make_url, text
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


async def test_a_row_that_must_refer_to_another_one_than_the_rest_finds_it(owner_url: str) -> None:
    """Wherever it stands in its table, which changes with each update."""
    engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
    tables = (
        "CREATE TABLE made_parent (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE made_child (parent_id int PRIMARY KEY REFERENCES made_parent)",
        "INSERT INTO made_parent SELECT FROM generate_series(1, 10)",
        "INSERT INTO made_child SELECT unnest(ARRAY[1, 2, 3, 7, 8, 9, 10])",
    )
    try:
        async with engine.connect() as connection:
            for sql in tables:
                await connection.execute(text(sql))
            refused = await connection.run_sync(rows.fill)
            await connection.rollback()
    finally:
        await engine.dispose()

    assert refused == []
