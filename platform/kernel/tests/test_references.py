"""What a broken foreign key answers: to who names a row that isn't there, or deletes one in use."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, delete, insert, update
from sqlalchemy.exc import IntegrityError

from kernel.db.compiled_query import CompiledQuery
from kernel.db.tables import metadata, referred
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import CustomException
from kernel.resources import Resources
from kernel.web.database_errors import translate

MISSING, IN_USE = "Library not found", "Library is in use"
UNNAMED = "The request conflicts with what is stored."


@pytest.fixture
def tables() -> Iterator[tuple[Table, Table]]:
    """Shelves, which say what is answered, within shelves; books on them, which don't."""
    library = Table(
        "key_library",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("within_id", ForeignKey("key_library.id")),
        prefixes=["TEMPORARY"],
        **referred(missing=MISSING, in_use=IN_USE),
    )
    book = Table(
        "key_book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("library_id", ForeignKey("key_library.id")),
        Column("part_of_id", ForeignKey("key_book.id")),
        prefixes=["TEMPORARY"],
    )
    yield library, book
    metadata.remove(library)
    metadata.remove(book)


async def broken(unit: UnitOfWork, tables: tuple[Table, Table], sql: Any, by_session: bool) -> None:
    """Make the tables, with two shelves and a book, and then run what breaks a key."""
    library, book = tables
    await unit.run_sync(lambda session: metadata.create_all(session.connection(), tables))
    await unit.execute(
        insert(library).values([{"id": 1, "within_id": None}, {"id": 2, "within_id": 1}])
    )
    await unit.execute(insert(book).values(id=1, library_id=2))
    if by_session:
        await unit.execute(sql)
    else:
        await CompiledQuery(sql, writes=True).scalar(unit)


@pytest.mark.parametrize("by_session", [True, False])
@pytest.mark.parametrize("ondelete", ["RESTRICT", None])
async def test_a_broken_key_answers_what_the_table_declares_that_it_refers_to(
    resources: Resources, tables: tuple[Table, Table], ondelete: str | None, by_session: bool
) -> None:
    library, book = tables
    for table in tables:
        for key in table.foreign_key_constraints:
            key.ondelete = ondelete
    missing, in_use = ((404, MISSING), (409, IN_USE)) if ondelete else [(409, UNNAMED)] * 2
    breaches = [
        (insert(book).values(id=2, library_id=3), missing),
        (update(book).values(library_id=3), missing),
        (update(library).values(within_id=3), missing),
        (delete(library).where(library.c.id == 1), in_use),
        (delete(library).where(library.c.id == 2), in_use),
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


def test_every_key_to_a_table_that_answers_says_what_a_deletion_does() -> None:
    silent = [
        key.name
        for table in metadata.tables.values()
        for key in table.foreign_key_constraints
        if "in_use" in key.referred_table.info and not key.ondelete
    ]

    assert silent == []
