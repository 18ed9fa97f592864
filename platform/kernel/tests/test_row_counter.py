"""The total of a list: kept by the database, and exact whatever writes and however many do."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from fastcrud import FastCRUD
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Integer, MetaData, Table, delete, func, insert, select, text, update
from sqlmodel import Field as Column
from sqlmodel import SQLModel, col

from kernel.config.loader import Settings
from kernel.db import counters
from kernel.db.listing import Listing
from kernel.db.pagination import ListQuery
from kernel.db.tables import SoftDeleted
from kernel.resources import Resources

SHELVES = 4


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Shelf(Apart, table=True):
    """What its books go with."""

    id: int = Column(primary_key=True)


class Book(SoftDeleted, Apart, table=True):
    """A row of one shelf, counted by it."""

    __table_args__ = ({"info": {"counted_by": ["shelf_id"]}},)

    id: int | None = Column(default=None, primary_key=True)
    shelf_id: int = Column(foreign_key="shelf.id", ondelete="CASCADE")
    title: str = "Untitled"


class BookRead(BaseModel):
    """A book's number."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class BookQuery(ListQuery):
    """Filtered by title."""

    title: str | None = None


LIVE = col(Book.is_deleted).is_(False)
listing = Listing(
    FastCRUD(Book),
    BookRead,
    BookQuery,
    where=[col(Book.is_deleted) == False],  # noqa: E712 - as FastCRUD's policies write it
    scope=["shelf_id"],
)


@pytest.fixture
async def own(
    setting_values: dict[str, str],
) -> AsyncIterator[Resources]:
    resources = Resources(Settings(setting_values), "counter-test")
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
        # So that differences are added up all the time.
        connection = await unit.asyncpg_connection(write=True)
        definition = await connection.fetchval("SELECT pg_get_functiondef('count_book'::regproc)")
        often = definition.replace(f"< {counters.FOLD}", "< 0.5")
        assert often != definition
        await connection.execute(often)
        unit.add_all([Shelf(id=number) for number in range(SHELVES)])
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))
        await unit.execute(text("DROP FUNCTION count_book()"))
    await resources.close()


async def totals(own: Resources) -> tuple[list[int], list[int]]:
    """As the lists tell them, and as they are."""
    told, counted = [], []
    async with own.unit() as unit:
        for shelf in range(SHELVES):
            page = await listing.page(unit, BookQuery(), shelf_id=shelf)
            told.append(page.model_dump()["total_count"])
            rows = select(func.count()).select_from(Book).where(col(Book.shelf_id) == shelf, LIVE)
            counted.append(await unit.scalar(rows) or 0)
    return told, counted


async def write(own: Resources, chance: random.Random, rolls_back: bool = False) -> None:
    """One write of any kind, by the ORM or by SQL."""
    shelf, other = chance.sample(range(SHELVES), 2)
    here = col(Book.shelf_id) == shelf
    some = col(Book.id) % 3 == chance.randrange(3)
    async with own.unit() as unit:
        match chance.randrange(6):
            case 0:
                unit.add_all([Book(shelf_id=shelf), Book(shelf_id=other)])
            case 1:
                rows = [{"shelf_id": shelf, "is_deleted": chance.random() < 0.3}] * 5
                await unit.execute(insert(Book), rows)
            case 2:
                await unit.execute(update(Book).where(here, some).values(is_deleted=True))
            case 3:
                await unit.execute(update(Book).where(here, some).values(is_deleted=False))
            case 4:
                await unit.execute(update(Book).where(here, some).values(shelf_id=other, title="x"))
            case _:
                await unit.execute(delete(Book).where(here, some))
        if rolls_back:
            await unit.rollback()


async def test_the_total_is_exact_after_every_kind_of_write(own: Resources) -> None:
    chance = random.Random(7)  # noqa: S311 - a seeded order of events is no secret
    for number in range(60):
        await write(own, chance, rolls_back=number % 5 == 4)
        told, counted = await totals(own)
        assert told == counted, number
    async with own.unit() as unit:
        await unit.execute(delete(Shelf).where(col(Shelf.id) == 0))
    told, counted = await totals(own)
    assert told == counted
    assert told[0] == 0
    async with own.unit() as unit:
        await unit.execute(text("TRUNCATE book"))
    assert await totals(own) == ([0] * SHELVES, [0] * SHELVES)


async def test_the_total_is_exact_after_many_writers_at_once(own: Resources) -> None:
    async def writer(number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        for _ in range(10):
            async with own.unit() as unit:
                shelf = chance.randrange(SHELVES)
                unit.add_all([Book(shelf_id=shelf) for _ in range(chance.randrange(1, 4))])
                await unit.flush()
                if chance.random() < 0.2:
                    await unit.rollback()

    await asyncio.gather(*[writer(number) for number in range(15)])

    told, counted = await totals(own)
    assert told == counted
    assert sum(told) > 100
    async with own.unit() as unit:
        differences = await unit.scalar(text("SELECT count(*) FROM book_count"))
    assert differences < 100  # they were added up, beside each other


STATEMENTS = {
    "upsert": """
        INSERT INTO book (id, shelf_id, title) VALUES (1, 2, ''), (99, 2, '')
        ON CONFLICT (id) DO UPDATE SET shelf_id = 3""",
    "merge": """
        MERGE INTO book USING (VALUES (2), (98), (99)) AS new (id) ON book.id = new.id
        WHEN MATCHED THEN DELETE
        WHEN NOT MATCHED THEN INSERT (id, shelf_id, title) VALUES (new.id, 2, '')""",
    "move": """
        WITH gone AS (DELETE FROM book RETURNING *)
        INSERT INTO book (shelf_id, title) SELECT shelf_id + 1, '' FROM gone WHERE shelf_id < 3""",
    "truncate": "TRUNCATE shelf CASCADE",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_the_total_is_exact_after_a_copy_and_whatever_else_sql_has(
    own: Resources, statement: str
) -> None:
    rows = [(shelf, number == 0, "") for number in range(5) for shelf in range(SHELVES)]
    async with own.unit() as unit:
        connection = await unit.asyncpg_connection(write=True)
        columns = ["shelf_id", "is_deleted", "title"]
        await connection.copy_records_to_table("book", records=rows, columns=columns)
    copied, there = await totals(own)
    assert copied == there == [4] * SHELVES

    async with own.unit() as unit:
        await unit.execute(text(statement))

    told, counted = await totals(own)
    assert told == counted
    assert told != copied


async def differences(own: Resources) -> int:
    async with own.unit() as unit:
        return await unit.scalar(text("SELECT count(*) FROM book_count")) or 0


async def add_single_books(own: Resources, number: int) -> None:
    async with own.unit() as unit:
        # None is added up by a write.
        definition = await unit.scalar(text("SELECT pg_get_functiondef('count_book'::regproc)"))
        connection = await unit.asyncpg_connection(write=True)
        await connection.execute(definition.replace("< 0.5", "< 0"))
        for shelf in range(number):
            await unit.execute(insert(Book), [{"shelf_id": shelf % SHELVES}])


async def test_the_worker_leaves_one_difference_of_a_list_and_none_of_an_owner_who_is_gone(
    own: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "BATCH", 3)
    await add_single_books(own, 40)
    async with own.unit() as unit:
        await unit.execute(delete(Shelf).where(col(Shelf.id) == 0))
    counter = Book.__table__.info["counter"]  # type: ignore[attr-defined]
    assert await differences(own) == 41

    while await counter.fold(own) == 3:
        pass

    assert await differences(own) == SHELVES - 1
    told, counted = await totals(own)
    assert told == counted == [0, 10, 10, 10]


async def test_the_total_is_exact_while_it_is_added_up_and_written(own: Resources) -> None:
    counter = Book.__table__.info["counter"]  # type: ignore[attr-defined]

    async def fold() -> None:
        for _ in range(10):
            await counter.fold(own)

    async def writer(number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        for _ in range(8):
            await write(own, chance, rolls_back=chance.random() < 0.2)

    await asyncio.gather(fold(), fold(), *[writer(number) for number in range(6)])

    told, counted = await totals(own)
    assert told == counted


async def test_a_truncate_waits_for_what_adds_up(own: Resources) -> None:
    await add_single_books(own, 8)
    async with own.unit() as unit:
        connection = await unit.asyncpg_connection(write=True)
        await connection.execute(
            "CREATE FUNCTION pg_temp.wait() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'"
        )
        await connection.execute(
            "CREATE TRIGGER wait AFTER INSERT ON book_count"
            " FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.wait()"
        )

    async def truncate() -> None:
        await asyncio.sleep(0.2)
        async with own.unit() as unit:
            await unit.execute(text("TRUNCATE book"))

    await asyncio.gather(Book.__table__.info["counter"].fold(own), truncate())  # type: ignore[attr-defined]

    assert await differences(own) == 0


def test_a_scope_that_a_row_may_lack_is_refused() -> None:
    column = SqlColumn("owner_id", Integer)
    with pytest.raises(ValueError, match=r"counted_by takes required columns, not \['owner_id'\]"):
        Table("note", MetaData(), column, info={"counted_by": ["owner_id"]})


async def test_what_is_filtered_is_counted(own: Resources) -> None:
    async with own.unit() as unit:
        unit.add_all([Book(shelf_id=1, title=title) for title in ("a", "a", "b")])
    async with own.unit() as unit:
        found = await listing.page(unit, BookQuery(title="a"), shelf_id=1)
        past = await listing.page(unit, BookQuery(page=9), shelf_id=1)

    assert found.model_dump()["total_count"] == 2
    assert (past.data, past.model_dump()["total_count"]) == ([], 3)


def test_lists_of_other_rows_count_them() -> None:
    def counts(**given: object) -> bool:
        made = Listing(FastCRUD(Book), BookRead, BookQuery, **given)  # type: ignore[arg-type]
        return made._statements._counter is not None

    live = [col(Book.is_deleted) == False]  # noqa: E712
    assert counts(where=live, scope=["shelf_id"])
    assert not counts(where=live)
    assert not counts(scope=["shelf_id"])
    assert not counts(where=[*live, col(Book.title) == "a"], scope=["shelf_id"])
