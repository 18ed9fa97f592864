"""What a broken foreign key answers: to who names a row that isn't there, or deletes one in use."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, delete, insert, update
from sqlalchemy.exc import IntegrityError

from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import is_in_use
from kernel.db.tables import metadata, referred
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import CustomException
from kernel.resources import Resources
from kernel.web.problems import translate

MISSING, IN_USE = "Shelf not found", "Shelf is in use"
UNNAMED = "The request conflicts with what is stored."


@pytest.fixture
def tables() -> Iterator[tuple[Table, Table]]:
    """Shelves, which say what is answered, within shelves; books on them, which don't."""
    shelf = Table(
        "key_shelf",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("within_id", ForeignKey("key_shelf.id")),
        prefixes=["TEMPORARY"],
        **referred(missing=MISSING, in_use=IN_USE),
    )
    book = Table(
        "key_book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("shelf_id", ForeignKey("key_shelf.id")),
        Column("part_of_id", ForeignKey("key_book.id")),
        prefixes=["TEMPORARY"],
    )
    yield shelf, book
    metadata.remove(shelf)
    metadata.remove(book)


async def broken(unit: UnitOfWork, tables: tuple[Table, Table], sql: Any, by_session: bool) -> None:
    """Make the tables, with two shelves and a book, and then run what breaks a key."""
    shelf, book = tables
    await unit.run_sync(lambda session: metadata.create_all(session.connection(), tables))
    await unit.execute(
        insert(shelf).values([{"id": 1, "within_id": None}, {"id": 2, "within_id": 1}])
    )
    await unit.execute(insert(book).values(id=1, shelf_id=2))
    if by_session:
        await unit.execute(sql)
    else:
        await CompiledQuery(sql, writes=True).scalar(unit)


@pytest.mark.parametrize("by_session", [True, False])
@pytest.mark.parametrize("restrict", [True, False])
async def test_a_broken_key_answers_what_the_table_declares_that_it_refers_to(
    resources: Resources, tables: tuple[Table, Table], restrict: bool, by_session: bool
) -> None:
    shelf, book = tables
    for table in tables if restrict else ():
        for key in table.foreign_key_constraints:
            key.ondelete = "RESTRICT"
    breaches = [
        (insert(book).values(id=2, shelf_id=3), (404, MISSING)),
        (update(book).values(shelf_id=3), (404, MISSING)),
        (update(shelf).values(within_id=3), (404, MISSING)),
        (delete(shelf).where(shelf.c.id == 1), (409, IN_USE)),
        (delete(shelf).where(shelf.c.id == 2), (409, IN_USE)),
        (insert(book).values(id=2, part_of_id=3), (409, UNNAMED)),
    ]

    answers = []
    for sql, _ in breaches:
        with pytest.raises((IntegrityError, asyncpg.PostgresError)) as caught:
            async with resources.unit() as unit:
                await broken(unit, tables, sql, by_session)
        answer = translate(caught.value)
        assert isinstance(answer, CustomException), caught.value
        answers.append((answer.status_code, answer.detail))

    assert answers == [answer for _, answer in breaches]


@pytest.mark.parametrize(
    ("message", "in_use"),
    [
        ('insert on table "key_book" violates foreign key constraint "fk_book_key"', False),
        ('delete on table "key" violates foreign key constraint "fk_book_key" on "book"', True),
        ("Löschen in Tabelle »key« verletzt »fk_book_key« von Tabelle »book«", True),
        ("Einfügen in Tabelle »book« verletzt »fk_book_key«", False),
        ("DELETE sur la table «\u00a0key\u00a0» viole «\u00a0fk_book_key\u00a0»", True),
    ],
)
def test_what_was_broken_is_found_in_every_language_of_the_server(
    message: str, in_use: bool
) -> None:
    error = asyncpg.ForeignKeyViolationError(message)
    error.table_name = "book"

    assert is_in_use(error, "key") is in_use
