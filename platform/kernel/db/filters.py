"""What a list can be filtered by: declared as fields of its query, by the names of columns."""

from collections.abc import Callable
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import REGCONFIG, TSVECTOR
from sqlmodel import SQLModel

from kernel.db.column_types import SecretText
from kernel.db.cursors import ListingError, column_of, table_of
from kernel.schemas.schemas import is_secret

Condition = Callable[[Column[Any], Any], ColumnElement[bool]]
# Both ends of a range belong to it.
SUFFIXES: dict[str, Condition] = {
    "_from": lambda column, value: column >= value,
    "_min": lambda column, value: column >= value,
    "_to": lambda column, value: column <= value,
    "_max": lambda column, value: column <= value,
}
NULL = "_null"
TRIGRAMS = "gin_trgm_ops"


class Search:
    """Rows that hold the text in one of these columns, in any case: `q: Annotated[CleanText | None,
    Search("title", "text")] = None`.

    Each column needs an index of trigrams (pg_trgm), or `unindexed=True` for a table that is small.
    """

    def __init__(self, *columns: str, unindexed: bool = False) -> None:
        self.columns, self.unindexed = columns, unindexed


def condition_of(table: type[SQLModel], name: str, field: FieldInfo) -> ColumnElement[bool]:
    """What the filter's bindparam, of its own name, has to be for a row to be in the list.

    By the field: a column's name is equality, or membership for a list of values; what an array or
    JSON holds, and the words of a tsvector; with `_from` or `_min`, `_to` or `_max` a bound, with
    `_null` whether there is no value; `Search` searches. Raises ListingError for a name that means
    no column, and for a secret.
    """
    known = table_of(table).columns
    kept = known[name].type if name in known else None
    if is_secret(field.annotation) or isinstance(kept, SecretText):
        raise ListingError(
            f"{name} of {table.__name__} is a secret: an address is no place for one."
        )
    search = search_of(field)
    if search is not None:
        return _search(table, name, search)
    if name in known:
        column = column_of(table, name)
        if isinstance(column.type, TSVECTOR):
            return _words(column, name)
        if isinstance(column.type, ARRAY | JSON):
            return column.op("@>", is_comparison=True)(bindparam(name, type_=kept))
        if _is_list(field.annotation):
            return column == any_(bindparam(name, type_=ARRAY(column.type)))
        return column == bindparam(name, type_=column.type)
    for suffix, condition in SUFFIXES.items():
        if name.endswith(suffix):
            column = column_of(table, name.removesuffix(suffix))
            return condition(column, bindparam(name, type_=column.type))
    if name.endswith(NULL):
        column = column_of(table, name.removesuffix(NULL))
        return column.is_(None) == bindparam(name, type_=Boolean())
    column_of(table, name)
    raise AssertionError  # that has raised


def search_of(field: FieldInfo) -> Search | None:
    """The field's `Search`, if it is one."""
    return next((one for one in field.metadata if isinstance(one, Search)), None)


def pattern_of(text: str) -> str:
    """What ILIKE takes for any text that holds this one."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def _words(column: Column[Any], name: str) -> ColumnElement[bool]:
    """By the configuration that the column says, `info={"config": "english"}`, else `simple`."""
    config = literal_column(f"'{column.info.get('config', 'simple')}'", REGCONFIG)
    return column.op("@@", is_comparison=True)(
        func.websearch_to_tsquery(config, bindparam(name, type_=Text()))
    )


def _is_list(annotation: Any) -> bool:
    return list in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def _search(table: type[SQLModel], name: str, search: Search) -> ColumnElement[bool]:
    columns = [column_of(table, column) for column in search.columns]
    indexed = {
        name
        for index in table_of(table).indexes
        for name, kind in (index.dialect_options["postgresql"]["ops"] or dict[str, str]()).items()
        if kind == TRIGRAMS
    }
    for column in columns:
        if column.name not in indexed and not search.unindexed:
            raise ListingError(
                f"{column} is searched without an index: add to the table "
                f'Index("ix_{column.table.name}_{column.name}_trigrams", "{column.name}", '
                f'postgresql_using="gin", postgresql_ops={{"{column.name}": "{TRIGRAMS}"}}), or '
                "unindexed=True to the Search of a small table."
            )
    return or_(*[column.ilike(bindparam(name)) for column in columns])
