"""What a CompiledQuery refuses: defaults that only SQLAlchemy's session would run."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    bindparam,
    insert,
    literal,
    select,
    update,
)

from kernel.db.compiled_query import CompiledQuery

notes = Table(
    "defaults_note",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("number", Integer),
    Column("stars", Integer, default=3, server_default="3"),
    Column("changes", Integer, default=lambda: 0, onupdate=lambda: 1, server_default="0"),
)
number: Any = bindparam("number", type_=Integer())


def from_select(**options: Any) -> Any:
    return insert(notes).from_select(["number"], select(number), **options)


@pytest.mark.parametrize(
    ("build", "columns"),
    [
        (from_select, "defaults_note.stars, defaults_note.changes"),
        (lambda: insert(notes).values(number=number, stars=3), "defaults_note.changes"),
        (lambda: update(notes).values(number=number), "defaults_note.changes"),
        (
            lambda: select(literal(1)).add_cte(from_select().cte()),
            "defaults_note.stars, defaults_note.changes",
        ),
    ],
)
def test_what_counts_on_defaults_of_pythons_is_refused_when_it_is_built(
    build: Callable[[], Any], columns: str
) -> None:
    with pytest.raises(ValueError, match=f"would store NULL in {columns}: give the values, or"):
        CompiledQuery(build(), writes=True)


def test_values_that_are_given_or_left_to_the_database_are_no_defaults() -> None:
    given = CompiledQuery(insert(notes).values(number=number, stars=3, changes=0), writes=True)
    left = CompiledQuery(from_select(include_defaults=False), writes=True)

    assert given.sql[1] == {"number": None, "stars": 3, "changes": 0}
    assert "stars" not in left.sql[0]
