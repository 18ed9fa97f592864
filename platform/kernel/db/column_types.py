"""What a table's field is stored as, where SQLModel can't say it or says another thing.

An Enum is stored by its values, in a type of PostgreSQL's own; a Literal as its values are; a
SecretStr as text, and comes back as a SecretStr. Bounds hold in a union, too. JSON that is None is
NULL (`JSON.NULL` stores JSON's null). A moment without an offset from UTC is no column. Of a column
that is given whole, `sa_column=Column(...)`, only the words on JSON and URLs hold.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, cast, get_args, get_origin

import sqlmodel.main
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Enum,
    Integer,
    Numeric,
    TypeDecorator,
)
from sqlmodel import AutoString, SQLModel

from kernel.schemas.urls import UrlText

NAIVE = (
    "a moment without an offset from UTC is another one on each machine; write `datetime` or "
    "`AwareDatetime`, which is a timestamptz"
)
if SQLModel.metadata.tables:
    names = ", ".join(SQLModel.metadata.tables)
    raise ImportError(f"Import kernel.db before the models of {names}: it says what columns are.")

OF_VALUES = {str: AutoString, int: Integer, bool: Boolean}
_type_of = sqlmodel.main.get_sqlalchemy_type
_column_of = cast(Callable[[Any], Column[Any]], sqlmodel.main.get_column_from_field)


class SecretText(TypeDecorator[SecretStr]):
    """Text that is a SecretStr in Python, so that no log, error or answer shows it."""

    impl = AutoString
    cache_ok = True

    def process_bind_param(self, value: SecretStr | str | None, dialect: Dialect) -> str | None:
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> SecretStr | None:
        return None if value is None else SecretStr(value)


def values_of(kind: Any) -> list[str]:
    """The values of an Enum, as they are stored."""
    return [str(member.value) for member in kind]


def column_type(field: Any) -> Any:
    """The type of a field's column. Raises ValueError for a field that has none."""
    try:
        kind = _type_of(field)
    except (TypeError, ValueError):  # SQLModel asks of a Literal what it is a subclass of
        kind = _further_type(field)
    if kind is not getattr(field, "sa_type", None):
        kind = _bounded(kind, field)
    made = kind() if isinstance(kind, type) else kind
    if isinstance(made, DateTime) and not made.timezone:
        raise ValueError(NAIVE)
    if isinstance(made, Enum) and made.enum_class and made.values_callable is None:
        return _by_values(made)
    return kind


def _by_values(kind: Enum) -> Enum:
    names = ["name", "metadata", "create_type", "validate_strings", "create_constraint"]
    names += ["schema"] if getattr(kind, "schema", None) else []
    names += ["native_enum"] if type(kind) is Enum else []
    kept = {name: getattr(kind, name) for name in names}
    members: Any = kind.enum_class
    return type(kind)(members, values_callable=values_of, **kept)


def _further_type(field: Any) -> Any:
    parts = list(_parts(field.annotation))
    if parts == [SecretStr]:
        return SecretText(_least("max_length", field))
    kinds: set[type[Any]] = {type(one) for one in parts}
    if len(kinds) == 1 and kinds <= OF_VALUES.keys():
        return OF_VALUES[kinds.pop()]
    raise ValueError(f"{field.annotation} has no matching SQLAlchemy type")


def _bounded(kind: Any, field: Any) -> Any:
    """SQLModel sees no bound of `Title | None`, and the first constraint only."""
    if kind is AutoString:
        return AutoString(_least("max_length", field))
    if kind.__class__ is Numeric and kind.precision is None:
        kind.precision, kind.scale = _least("max_digits", field), _least("decimal_places", field)
    return kind


def _least(bound: str, field: Any) -> int | None:
    return min(filter(None, (getattr(one, bound, None) for one in _metadata(field))), default=None)


def _metadata(field: Any) -> list[Any]:
    """What is said of a field, and of a union's members."""
    members = [FieldInfo.from_annotation(part) for part in get_args(field.annotation)]
    return [*field.metadata, *(said for one in members for said in one.metadata)]


def _parts(annotation: Any) -> Iterator[Any]:
    """What an annotation allows: the values of a Literal, the members of a union but None."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _parts(part)
    elif annotation is not type(None):
        yield annotation


def _complete_column(field: Any) -> Column[Any]:
    column = _column_of(field)
    if isinstance(column.type, JSON):
        column.type.none_as_null = True
    if any(isinstance(one, UrlText) for one in _metadata(field)):
        column.info["url"] = True
    return column


def install() -> None:
    """Let SQLModel ask here, before any table is declared."""
    sqlmodel.main.get_sqlalchemy_type = column_type
    sqlmodel.main.get_column_from_field = _complete_column
