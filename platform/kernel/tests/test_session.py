"""The session is what SQLModel's users know, and errors leave the connection clean."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import MetaData, bindparam, select, text
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import Mapped, selectinload
from sqlmodel import Field, Relationship, SQLModel, col
from sqlmodel import select as sqlmodel_select

from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import DatabaseUnavailable
from kernel.resources import Resources
from kernel.tests.fault_proxy import proxy_to
from kernel.web.database_errors import translate


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Author(AsyncAttrs, Apart, table=True):
    """Who writes books."""

    __tablename__ = "session_author"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    books: Mapped[list["Volume"]] = Relationship(back_populates="author")


class Volume(Apart, table=True):
    """A book of an author."""

    __tablename__ = "session_book"

    id: int | None = Field(default=None, primary_key=True)
    title: str
    author_id: int = Field(foreign_key="session_author.id")
    author: Mapped[Author] = Relationship(back_populates="books")


@pytest.fixture
async def own(setting_values: dict[str, str]) -> AsyncIterator[Resources]:
    """Resources with one connection, and two books of one author."""
    resources = Resources(Settings({**setting_values, "DATABASE_POOL_SIZE": "1"}), "session-test")
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
        author = Author(name="Ada")
        unit.add_all([Volume(title=title, author=author) for title in ("One", "Two")])  # type: ignore[call-arg]
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))
    await resources.close()


async def outside(resources: Resources) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection of no pool."""
    url = resources.database.engine.url.set(drivername="postgresql")
    return await asyncpg.connect(url.render_as_string(hide_password=False))


async def test_exec_gives_scalars_of_one_entity_and_rows_of_several(own: Resources) -> None:
    async with own.unit() as db:
        books = (await db.exec(sqlmodel_select(Volume).order_by(col(Volume.id)))).all()
        titles = (await db.exec(sqlmodel_select(Volume.title).order_by(col(Volume.id)))).all()
        pairs = (await db.exec(sqlmodel_select(Volume.title, Author.name).join(Author))).all()

        assert [book.title for book in books] == titles == ["One", "Two"]
        assert {tuple(pair) for pair in pairs} == {("One", "Ada"), ("Two", "Ada")}
        assert await db.get(Volume, books[0].id) is books[0]


async def test_a_relationship_is_read_once_it_is_loaded(own: Resources) -> None:
    async with own.unit() as db:
        query = sqlmodel_select(Author).options(selectinload(Author.books))
        author = (await db.exec(query)).one()

        assert {book.title for book in author.books} == {"One", "Two"}


async def test_awaitable_attributes_and_refresh_load_one(own: Resources) -> None:
    async with own.unit() as db:
        author = (await db.exec(sqlmodel_select(Author))).one()
        assert len(await author.awaitable_attrs.books) == 2
    async with own.unit() as db:
        book = (await db.exec(sqlmodel_select(Volume))).first()
        assert book is not None
        await db.refresh(book, ["author"])
        assert book.author.name == "Ada"


async def test_loading_a_relationship_by_surprise_says_what_to_write(own: Resources) -> None:
    async with own.unit() as db:
        book = (await db.exec(sqlmodel_select(Volume))).first()
        assert book is not None

        with pytest.raises(MissingGreenlet) as caught:
            _ = book.author

    told = str(caught.value)
    assert "Volume.author isn't loaded" in told
    assert "select(Volume).options(selectinload(Volume.author))" in told
    assert "db.refresh(row, ['author'])" in told


async def test_reading_an_expired_column_says_what_to_write(own: Resources) -> None:
    async with own.unit() as db:
        book = (await db.exec(sqlmodel_select(Volume))).first()
        assert book is not None
        db.expire(book)

        with pytest.raises(MissingGreenlet, match=r"await db.refresh\(row\)"):
            _ = book.title


async def test_a_refused_value_leaves_no_lock_on_an_idle_connection(own: Resources) -> None:
    """asyncpg refuses it after the server has planned the query, and locked its tables."""
    query = CompiledQuery(select(Volume.id).where(Volume.title == bindparam("title")))  # type: ignore[call-overload]
    async with own.unit() as db:
        with pytest.raises(asyncpg.DataError):
            await query.scalar(db, title="\ud800")

    watcher = await outside(own)
    held = await watcher.fetch(
        "SELECT relation::regclass, state FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE application_name = 'session-test' AND locktype = 'relation'"
    )
    states = await watcher.fetch(
        "SELECT state FROM pg_stat_activity WHERE application_name = 'session-test'"
    )
    await watcher.close()

    assert held == []
    assert [row["state"] for row in states] == ["idle"]


async def test_a_changed_column_is_read_again_under_a_warm_connection(own: Resources) -> None:
    query = CompiledQuery(select(Volume.author_id).order_by("id"))  # type: ignore[call-overload]

    async def alter(kind: str) -> None:
        other = await outside(own)
        await other.execute(f"ALTER TABLE session_book ALTER author_id TYPE {kind}")
        await other.close()

    async with own.unit() as db:
        assert await query.scalar(db) == 1
    await alter("bigint")
    async with own.unit() as db:
        assert await query.scalar(db) == 1


@pytest.mark.parametrize("fault", ["silence", "cut"])
async def test_a_silent_or_lost_server_is_the_databases_fault_in_a_session(
    setting_values: dict[str, str], fault: str
) -> None:
    async with proxy_to(setting_values["DATABASE_URL"]) as wire:
        values = {**setting_values, "DATABASE_URL": wire.url, "DATABASE_TIMEOUT": "0.3"}
        resources = Resources(Settings(values))

        with pytest.raises(Exception) as caught:  # noqa: PT011 - which it is, is asked below
            async with resources.unit() as db:
                await db.execute(text("SELECT 1"))
                wire.stall() if fault == "silence" else wire.cut()
                await db.execute(text("SELECT 2"))

        assert getattr(translate(caught.value), "status_code", caught.value) == 503
        await resources.close()


async def test_an_endpoints_own_error_of_files_is_not_the_databases(own: Resources) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        async with own.unit() as db:
            db.add(Author(name="Bob"))
            await db.flush()
            raise FileNotFoundError("template.html")

    assert translate(caught.value) is caught.value
    assert not isinstance(caught.value, DatabaseUnavailable)
    async with own.unit() as db:
        assert len((await db.exec(sqlmodel_select(Author))).all()) == 1


async def test_a_connection_keeps_no_values_of_what_has_run(own: Resources) -> None:
    async with own.unit() as db:
        connection = await db.connection()
        await db.execute(text("SELECT CAST(:word AS text)"), {"word": "a secret"})

        assert "a secret" not in repr(connection.sync_connection.info)  # type: ignore[union-attr]
