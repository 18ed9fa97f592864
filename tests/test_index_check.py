"""A column that lists are sorted by without an index is told, with the line to write."""

from typing import Any

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, UniqueConstraint, func

from infra.checks.indexes import missing


def table(*parts: Any, **info: Any) -> Table:
    columns = [Column(name, String) for name in ("title", "owner", "is_deleted")]
    key = Column("id", Integer, primary_key=True)
    return Table("note", MetaData(), key, *columns, *parts, info=info)


@pytest.mark.parametrize(
    ("parts", "scope"),
    [
        ([Index("a", "owner", "title")], ["owner"]),
        ([Index("a", "title", "owner")], []),
        ([UniqueConstraint("owner", "title")], ["owner"]),
        ([Index("a", "is_deleted", "owner", "title")], ["owner", "is_deleted"]),
    ],
)
def test_an_index_of_the_scope_and_then_the_column_serves(
    parts: list[Any], scope: list[str]
) -> None:
    assert list(missing("notes", table(*parts), scope, ["title"])) == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Index("a", "title")],
        [Index("a", "title", "owner")],
        [Index("a", "owner", "is_deleted", "title")],
        [Index("a", "owner", func.lower("title"))],
    ],
)
def test_any_other_index_does_not(parts: list[Any]) -> None:
    [problem] = missing("notes", table(*parts), ["owner"], ["title"])

    assert "features/notes: a list of note is sorted by title without an index" in problem
    line = 'Index("ix_note_title", "owner", "title", "id", postgresql_where=SoftDeleted.LIVE),'
    assert line in problem


def test_the_key_serves_a_list_of_all_and_a_small_table_needs_nothing() -> None:
    assert list(missing("notes", table(), [], ["id"])) == []
    assert list(missing("notes", table(small=True), ["owner"], ["title"])) == []
