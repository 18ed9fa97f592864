"""What a list can be sorted by, and which rows come after one of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema
from sqlalchemy import ColumnElement, and_, false, or_, tuple_

MOST = 3  # columns at once


class SortBy:
    """Of a query's `sort`: up to three of these columns, the first one first, `-` for descending:
    `sort: Annotated[str, SortBy("id", "status", "paid_at")] = "id"` takes `-paid_at,status`."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        one = f"-?({'|'.join(map(re.escape, self.columns))})"
        return core_schema.str_schema(pattern=f"^{one}(,{one}){{0,{MOST - 1}}}$")


@dataclass(frozen=True)
class Key:
    """One column of the order, and whether its highest value comes first."""

    column: Any
    descending: bool

    @property
    def ordered(self) -> ColumnElement[Any]:
        """As ORDER BY has it. A null is the highest value: last, or first when descending."""
        ordered: ColumnElement[Any] = self.column.desc() if self.descending else self.column
        return ordered

    def after(self, value: Any) -> ColumnElement[bool]:
        """What a later value is, of rows that are equal before this column."""
        if not self.column.nullable:
            return self._beyond(value)
        if self.descending:
            return or_(and_(value.is_(None), self.column.is_not(None)), self._beyond(value))
        return and_(value.is_not(None), or_(self._beyond(value), self.column.is_(None)))

    def same(self, value: Any) -> ColumnElement[bool]:
        if self.column.nullable:
            same: ColumnElement[bool] = self.column.is_not_distinct_from(value)
            return same
        return self.column == value  # type: ignore[no-any-return]

    def _beyond(self, value: Any) -> ColumnElement[bool]:
        return self.column < value if self.descending else self.column > value  # type: ignore[no-any-return]


def sortable(field: FieldInfo) -> list[str]:
    """The names that a query's `sort` takes, each once."""
    for marker in field.metadata:
        if isinstance(marker, SortBy):
            return list(marker.columns)
    return list(dict.fromkeys(name.lstrip("-") for name in get_args(field.annotation)))


def keys_of(sort: str, columns: Any, primary: Any) -> list[Key]:
    """The order that a `sort` asks for, down to the primary key, which makes it total."""
    keys: list[Key] = []
    for name in sort.split(","):
        column = columns[name.lstrip("-")]
        if all(key.column is not column for key in keys):
            keys.append(Key(column, name.startswith("-")))
        if column is primary:
            return keys
    return [*keys, Key(primary, keys[-1].descending)]


def after(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """The rows that come after the one with these values (keyset pagination)."""
    columns = [key.column for key in keys]
    descending = keys[0].descending
    if all(key.descending == descending and not key.column.nullable for key in keys):
        # An index serves this form.
        ours, theirs = tuple_(*columns), tuple_(*values)
        return ours < theirs if descending else ours > theirs
    found: ColumnElement[bool] = false()
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        same = [one.same(its) for one, its in zip(keys[:number], values, strict=False)]
        found = or_(found, and_(*same, key.after(value)))
    return found
