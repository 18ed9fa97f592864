"""A migration beside a running API costs no request: what is stale is planned and run again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastapi import APIRouter
from fastcrud import FastCRUD
from pydantic import BaseModel
from sqlalchemy import MetaData, bindparam, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.exc import NotSupportedError
from sqlmodel import Field, SQLModel, col
from sqlmodel import select as sqlmodel_select

from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.db import CompiledQuery, DatabaseUnavailable, UnitOfWork
from kernel.db.stale_plans import only_reads
from kernel.resources import Resources
from kernel.web import Access, access
from kernel.web.router import SessionDep
from tests.application import client_of

MOOD = ENUM("calm", "wild", name="board_mood", metadata=MetaData(), create_type=False)


class Board(SQLModel, table=True):
    """A table that migrations must not see."""

    metadata = MetaData()
    __tablename__ = "changed_board"
    id: int = Field(primary_key=True)
    width: int = 7
    mood: str = Field(default="calm", sa_type=MOOD)


class Width(BaseModel):
    """What is changed."""

    width: int


TYPE = ["ALTER TABLE changed_board ALTER COLUMN width TYPE bigint"]
COLUMN = ["ALTER TABLE changed_board ADD COLUMN height int"]
ENUM_ANEW = [
    "ALTER TYPE board_mood RENAME TO old_mood",
    "CREATE TYPE board_mood AS ENUM ('calm', 'shy', 'wild')",
    "ALTER TABLE changed_board ALTER COLUMN mood TYPE board_mood USING mood::text::board_mood",
    "DROP TYPE old_mood",
]
lock = CompiledQuery(text("SELECT pg_advisory_xact_lock_shared(7)"), writes=True)
boards: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(Board)
star = CompiledQuery(select(literal_column("*")).select_from(Board.__table__))  # type: ignore[attr-defined]
of_mood = CompiledQuery(
    select(col(Board.id), col(Board.width)).where(col(Board.mood) == bindparam("mood"))
)
widened = CompiledQuery(
    update(Board).values(width=col(Board.width) + bindparam("more")).returning(col(Board.width)),
    writes=True,
)
moved = CompiledQuery(
    update(Board).values(mood=bindparam("mood")).returning(col(Board.id)), writes=True
)


async def everything(db: UnitOfWork) -> Any:
    return (await star.all(db))[0]["id"]


async def everything_after_a_read(db: UnitOfWork) -> Any:
    await db.execute(select(func.count()).select_from(Board))
    return (await star.all(db))[0]["id"]


async def those_of_a_mood(db: UnitOfWork) -> Any:
    return len(await of_mood.all(db, mood="calm"))


async def update_compiled(db: UnitOfWork) -> Any:
    return await widened.scalar(db, more=0) - 6


async def update_of_an_enum(db: UnitOfWork) -> Any:
    return await moved.scalar(db, mood="calm")


async def execute_text(db: UnitOfWork) -> Any:
    return (await db.execute(text("SELECT * FROM changed_board"))).one().id


async def exec_select(db: UnitOfWork) -> Any:
    return (await db.exec(sqlmodel_select(Board).where(col(Board.mood) == "calm"))).one().id


async def get_by_fastcrud(db: UnitOfWork) -> Any:
    row = await boards.get(db, id=1)
    return row and row["id"]


async def change_by_fastcrud(db: UnitOfWork) -> Any:
    row = await boards.update(
        db, {"mood": "calm"}, id=1, schema_to_select=Width, return_as_model=True
    )
    return row and row.width - 6


async def update_returning(db: UnitOfWork) -> Any:
    statement = update(Board).values(mood="calm").returning(col(Board.width) - 6)
    return (await db.execute(statement)).scalar()


async def change_a_row(db: UnitOfWork) -> Any:
    row = (await db.exec(sqlmodel_select(Board))).one()
    row.mood = "wild" if row.mood == "calm" else "calm"
    await db.flush()
    return row.id


async def everything_after_a_lock(db: UnitOfWork) -> Any:
    await lock.all(db)
    return await everything(db)


WAYS: list[Callable[[UnitOfWork], Awaitable[Any]]] = [
    everything,
    everything_after_a_read,
    those_of_a_mood,
    update_compiled,
    update_of_an_enum,
    execute_text,
    exec_select,
    get_by_fastcrud,
    change_by_fastcrud,
    update_returning,
    change_a_row,
]


async def change(resources: Resources, *statements: str) -> None:
    async with resources.unit() as unit:
        for statement in statements:
            await unit.execute(text(statement))


@pytest.fixture
async def migration(setting_values: dict[str, str]) -> AsyncIterator[Resources]:
    """Another process, that changes the table."""
    migration = Resources(Settings(setting_values))
    drop = ["DROP TABLE IF EXISTS changed_board", "DROP TYPE IF EXISTS board_mood, old_mood"]
    await change(
        migration,
        *drop,
        "CREATE TYPE board_mood AS ENUM ('calm', 'wild')",
        "CREATE TABLE changed_board (id int PRIMARY KEY, width int, mood board_mood)",
        "INSERT INTO changed_board VALUES (1, 7, 'calm')",
    )
    yield migration
    await change(migration, *drop)
    await migration.close()


@pytest.fixture
async def own(setting_values: dict[str, str]) -> AsyncIterator[Resources]:
    resources = Resources(Settings({**setting_values, "DATABASE_POOL_SIZE": "1"}))
    yield resources
    await resources.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("statements", [TYPE, COLUMN, ENUM_ANEW], ids=["type", "column", "enum"])
async def test_a_stale_statement_is_run_again(
    own: Resources,
    migration: Resources,
    way: Callable[[UnitOfWork], Awaitable[Any]],
    statements: list[str],
) -> None:
    answers = []
    for number in range(3):
        async with own.unit() as db:
            answers.append(await way(db))
        if number == 0:
            await change(migration, *statements)

    assert answers == [1, 1, 1]


@pytest.mark.parametrize(
    "before",
    [
        "UPDATE changed_board SET width = 8",
        "SELECT 1 FROM changed_board FOR UPDATE",
        "SELECT pg_advisory_xact_lock(7)",
    ],
)
async def test_what_was_written_or_locked_before_is_not_lost_silently(
    setting_values: dict[str, str], migration: Resources, before: str
) -> None:
    router = APIRouter()

    @router.get("/widths")
    @access(Access.PUBLIC)
    async def read_widths(db: SessionDep) -> list[int]:
        await db.execute(text(before))
        return [row.width for row in await db.execute(text("SELECT * FROM changed_board"))]

    app = create_application(
        Settings({**setting_values, "DATABASE_POOL_SIZE": "1"}), routers=[router]
    )
    async with app.router.lifespan_context(app), client_of(app) as client:
        width = (await client.get("/api/v1/widths")).json()
        await change(migration, "UPDATE changed_board SET width = 7", *TYPE)

        first, second = [await client.get("/api/v1/widths") for _ in range(2)]

    assert (first.status_code, first.headers.get("retry-after")) == (503, "2")
    assert (second.status_code, second.json()) == (200, width)


@pytest.mark.parametrize(
    ("first", "lost"), [(everything_after_a_read, 0), (everything_after_a_lock, 1)]
)
async def test_of_a_process_one_request_at_most_meets_what_is_stale(
    setting_values: dict[str, str],
    migration: Resources,
    first: Callable[[UnitOfWork], Awaitable[Any]],
    lost: int,
) -> None:
    """What one connection has met, the others learn of, before they are used again."""
    size = 3
    resources = Resources(Settings({**setting_values, "DATABASE_POOL_SIZE": str(size)}))
    async with AsyncExitStack() as stack:
        for _ in range(size):
            await everything_after_a_lock(await stack.enter_async_context(resources.unit()))
    await change(migration, *TYPE)

    failed = 0
    for way in (first, *[everything_after_a_lock] * 2 * size):
        try:
            async with resources.unit() as db:
                await way(db)
        except DatabaseUnavailable:
            failed += 1

    assert failed == lost
    await resources.close()


async def test_what_fastcrud_creates_is_read_again_and_nothing_else_is_lost(
    own: Resources, migration: Resources
) -> None:
    async def create(number: int) -> None:
        async with own.unit() as db:
            await db.execute(text("UPDATE changed_board SET width = width + 1 WHERE id = 1"))
            await boards.create(db, Board(id=number))
            row = await db.get_one(Board, number)
            row.width = number
            await db.refresh(row)  # which writes first
            assert row.width == number

    await create(2)
    for number, statements in enumerate((TYPE, ENUM_ANEW), 3):
        await change(migration, *statements)
        await create(number)

    async with own.unit() as db:
        rows = await db.execute(select(col(Board.id), col(Board.width)).order_by(col(Board.id)))
        assert [tuple(row) for row in rows] == [(1, 10), (2, 2), (3, 3), (4, 4)]


async def test_rows_that_are_still_streamed_are_not_lost_silently(
    own: Resources, migration: Resources
) -> None:
    async with own.unit() as db:
        await exec_select(db)
    await change(migration, *TYPE)

    async with own.unit() as db:
        with pytest.raises(NotSupportedError, match="cached statement plan is invalid"):
            rows = await db.stream(text("SELECT 1"))
            await exec_select(db)
            await rows.close()


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ('SELECT "user".id FROM "user" WHERE "user".id = $1::INTEGER', True),
        ("SELECT count(*) AS n, lower(x) FROM t WHERE a IN ($1, $2) AND (b OR c)", True),
        ("WITH few AS (SELECT 1) SELECT * FROM few", True),
        ("WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone", False),
        ("SELECT 1 FROM t FOR NO KEY UPDATE", False),
        ("SELECT 1 FROM t FOR KEY SHARE", False),
        ("SELECT 1 INTO t", False),
        ("SELECT nextval($1)", False),
        ('SELECT "spend"(1)', False),
        ("SELECT mine.count(1)", False),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", False),
        ("SAVEPOINT one", False),
    ],
)
def test_what_only_reads_is_known_and_what_is_not_known_counts_as_a_write(
    sql: str, reads: bool
) -> None:
    assert only_reads(sql) is reads
