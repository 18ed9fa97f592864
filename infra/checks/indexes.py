"""Whether each column that a list is sorted by has an index within the list's scope."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Table, UniqueConstraint

from kernel import discovery
from kernel.db import Listing

MISSING = """\
features/{feature}: a list of {table} is sorted by {column} without an index, so each page reads and
sorts all of its rows. Add to the table:
    Index("ix_{table}_{column}", {columns}{where}),
or "small": True to its info, if no list of it has more than 1,000 rows.
See docs/gates.md#a-sort-without-an-index"""


def problems(_: Path) -> list[str]:
    """Say which columns lack one, with the line to write."""
    discovery.load("models")
    return [
        problem
        for feature in discovery.names()
        for listing in listings(feature)
        for problem in missing(feature, listing.table, listing.scope, listing.sorts)
    ]


def missing(
    feature: str, table: Table, scope: Sequence[str], sorts: Sequence[str]
) -> Iterator[str]:
    """The problems of one list."""
    if table.info.get("small"):
        return
    for column in sorts:
        if not any(_serves(index, scope, column) for index in _indexes(table)):
            [key] = table.primary_key.columns.keys()
            columns = ", ".join(f'"{name}"' for name in dict.fromkeys([*scope, column, key]))
            where = ", postgresql_where=SoftDeleted.LIVE" if "is_deleted" in table.c else ""
            yield MISSING.format(
                feature=feature, table=table.name, column=column, columns=columns, where=where
            )


def listings(feature: str) -> Iterator[Listing[Any]]:
    """The lists of that feature."""
    name = f"features.{feature}.crud"
    if find_spec(name) is not None:
        found = vars(import_module(name)).values()
        yield from (one for one in found if isinstance(one, Listing))


def _indexes(table: Table) -> Iterator[list[str]]:
    """The columns of each, in order; an expression counts as none."""
    yield [column.name for column in table.primary_key]
    for index in table.indexes:
        yield [getattr(expression, "name", "") for expression in index.expressions]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]


def _serves(index: Sequence[str], scope: Sequence[str], column: str) -> bool:
    within, rest = index[: len(scope)], index[len(scope) :]
    return set(within) == set(scope) and list(rest[:1]) == [column]
