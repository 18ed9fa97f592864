"""The columns of a result, and how the driver's records become what the session gives."""

from collections.abc import Callable
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import ClauseElement, Column, Float
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.types import TypeEngine

from kernel.db.column_values import refuse_silent_changes

Row = dict[str, Any]
Processor = Callable[[Any], Any]
ResultColumn = tuple[str | None, Processor | None]

DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]
refuse_silent_changes(DIALECT)


def result_columns(statement: ClauseElement) -> list[ResultColumn]:
    """The result's columns: the name, where it isn't the driver's, and what makes the session's
    value of the driver's. Empty for text() without columns(): the database alone knows them.
    """
    exported = getattr(statement, "exported_columns", None)
    columns = exported.items() if exported else ()
    return [(_other_name(key, column), _processor_of(column.type)) for key, column in columns]


def _other_name(key: str, column: object) -> str | None:
    """That of a model's attribute, where its column is called otherwise."""
    differs = isinstance(column, Column) and key not in (column.key, column.name)
    return key if differs else None


def _processor_of(kind: TypeEngine[Any]) -> Processor | None:
    """What SQLAlchemy runs a value of that type through, on its way back from the driver."""
    implementation = kind.dialect_impl(DIALECT)
    # The types of numbers ask for PostgreSQL's type of the value: float8's or numeric's.
    number = 701 if isinstance(implementation, Float) else 1700
    return cast(Processor | None, implementation.result_processor(DIALECT, number))


def reader_of(read: type[Any], columns: list[ResultColumn]) -> Callable[[Any], Any]:
    """What makes a row of a record."""
    changed = [(number, *column) for number, column in enumerate(columns) if any(column)]

    def changed_row(record: Any) -> Row:
        row, names = dict(record), list(record.keys())
        for number, name, process in changed:
            value = row.pop(names[number])
            row[name or names[number]] = value if process is None else process(value)
        return row

    make_row: Callable[[Any], Row] = changed_row if changed else dict
    if read is dict:
        return make_row
    if issubclass(read, BaseModel):
        validate = read.__pydantic_validator__.validate_python
        return lambda record: validate(make_row(record), by_name=True)
    return lambda record: read(**make_row(record))
