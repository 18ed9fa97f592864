"""How long values are that answers show, as a feature's tables and request bodies say it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Numeric, String
from sqlmodel import AutoString

from infra.checks.json_size import Walk, text_size
from kernel.schemas import InputSchema
from kernel.schemas.urls import MAX_URL

Key = tuple[type[Any], str]
SEQUENCES = (list, set, frozenset, Sequence)


@dataclass
class Declared:
    """By answer and field: the most bytes, the most items of lists, and the columns of one row."""

    sizes: dict[Key, float] = field(default_factory=dict)
    lengths: dict[Key, float] = field(default_factory=dict)
    columns: set[Key] = field(default_factory=set)


def declared_by(features: Sequence[str]) -> Declared:
    """What holds for the answers of these features.

    An answer is of a table of its feature when it is read from attributes, all of which the table
    has; of several such tables, the larger bound counts. What is no column there (a relationship,
    a property) is as large as the feature's request bodies let it be, under the same name.
    """
    found = Declared()
    for feature in features:
        classes = list(_classes(feature))
        tables = [one for one in classes if hasattr(one, "__table__")]
        bodies = [one for one in classes if issubclass(one, InputSchema)]
        for read in classes:
            if read in tables:
                continue
            found.sizes |= {(read, name): size_of(one) for name, one in read.model_fields.items()}
            fits = [one for one in tables if _has_all(one, read.model_fields)]
            if fits and read.model_config.get("from_attributes"):
                for name in read.model_fields:
                    _declare(found, (read, name), fits, bodies)
    return found


def _has_all(table: type[Any], names: Any) -> bool:
    return all(hasattr(table, name) for name in names)


def _classes(feature: str) -> Iterator[type[BaseModel]]:
    """Those that its modules define, tests apart."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"features.{feature}.") and ".tests" not in name:
            for one in vars(module).values():
                if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == name:
                    yield one


def _declare(found: Declared, key: Key, tables: list[Any], bodies: list[Any]) -> None:
    read, name = key
    columns = [one.__table__.columns.get(name) for one in tables]
    if all(column is not None for column in columns):
        given = [one.model_fields.get(name) for one in tables]
        stored = max(map(_stored_size, columns, given))
        found.sizes[key] = min(found.sizes[key], stored)
        lengths = [limit("max_length", one) if one else inf for one in given]
        if is_list(read.model_fields[name].annotation):
            found.lengths[key] = max(lengths)
        else:
            found.columns.add(key)
        return
    written = [one.model_fields[name] for one in bodies if name in one.model_fields]
    if written:
        found.sizes[key] = min(found.sizes[key], max(map(size_of, written)))
        found.lengths[key] = max(limit("max_length", one) for one in written)


def _stored_size(column: ColumnElement[Any], given: FieldInfo | None) -> float:
    return min(column_size(column), size_of(given) if given else inf)


def column_size(column: ColumnElement[Any]) -> float:
    """The most bytes of a column's value in JSON."""
    kind = column.type
    if isinstance(kind, AutoString):
        kind = kind.impl_instance
    if isinstance(column, Column) and column.info.get("url"):
        return MAX_URL + 2  # of which JSON escapes none (kernel.db.tables)
    if isinstance(kind, BigInteger):
        return 20
    if isinstance(kind, Integer):
        return 11
    if isinstance(kind, Numeric) and kind.precision:
        return kind.precision + 4
    if isinstance(kind, String):
        return text_size(kind.length or inf)
    return inf


def size_of(given: Any, metadata: Sequence[Any] = ()) -> float:
    """The most bytes of a field's value, or an annotation's, in JSON.

    Core schemas don't tell: of `Annotated[CleanText, Field(max_length=9)]` pydantic makes a
    function of its own around the schema of text, whose bound stands in the metadata only.
    """
    kind, metadata = _taken_apart(given, metadata)
    if get_origin(kind) in (Union, UnionType):
        return max((size_of(one, metadata) for one in get_args(kind) if _is_type(one)), default=inf)
    most = limit("max_length", kind, metadata)
    if is_list(kind):
        [item] = get_args(kind) or [Any]
        return 2 + most * (1 + size_of(item))
    if kind is str:
        return text_size(most)
    if kind is bytes:
        return 6 + most * 4 / 3  # base64
    if kind is Decimal:
        return limit("max_digits", kind, metadata) + 4
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return inf  # by its own fields
    return Walk().size(TypeAdapter(kind).core_schema)


def limit(constraint: str, given: Any, metadata: Sequence[Any] = ()) -> float:
    """The smallest number that the constraint of that name has in the field or annotation."""
    kind, metadata = _taken_apart(given, metadata)
    found = [
        limit(constraint, None, one.metadata)
        if isinstance(one, FieldInfo)
        else getattr(one, constraint, None)
        for one in metadata
    ]
    numbers: list[float] = [one for one in found if isinstance(one, int | float)]
    if get_origin(kind) in (Union, UnionType):
        inner = [limit(constraint, one) for one in get_args(kind) if _is_type(one)]
        numbers.append(max(inner, default=inf))
    return min(numbers, default=inf)


def is_list(annotation: Any) -> bool:
    """Whether it is a list, or may be one."""
    kind, _ = _taken_apart(annotation, ())
    if get_origin(kind) in (Union, UnionType):
        return any(is_list(one) for one in get_args(kind))
    return (get_origin(kind) or kind) in SEQUENCES


def _taken_apart(given: Any, metadata: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The type without `Annotated`, and all that is said of it."""
    known = list(metadata)
    while isinstance(given, FieldInfo) or get_origin(given) is Annotated:
        if isinstance(given, FieldInfo):
            known, given = [*known, *given.metadata], given.annotation
        else:
            given, *more = get_args(given)
            known += more
    return given, known


def _is_type(one: Any) -> bool:
    """Whether it is a value's type: neither None nor a sentinel like MISSING."""
    return one is not type(None) and (isinstance(one, type) or get_origin(one) is not None)
