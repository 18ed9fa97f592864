"""Cursors: what they can hold; opaque to the client, of no use once anything has been changed."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import AllowInfNan, TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlalchemy import Column, ColumnElement, Interval, Table, TypeDecorator
from sqlmodel import AutoString, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from kernel.config.groups import SecretSettings
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import UnprocessableEntityException

SIGNATURE_BYTES = 16
NOT_OURS = "The cursor is not one of this list."
# Of what is written to JSON and read back without loss.
KINDS = (int, str, bool, float, datetime, date, time, timedelta, Decimal, UUID, Enum)


class ListingError(Exception):
    """A list names columns that it can't serve; raised while the application is built."""


class CursorSigner:
    """Makes cursors that only this list, with these filters, accepts (HMAC, RFC 2104).

    A cursor holds the values of `columns`: those of the order, down to the primary key.
    """

    def __init__(self, unit: UnitOfWork, scope: Any, *columns: Column[Any]) -> None:
        keys, named = (
            unit.resources.settings.group(SecretSettings).keys,
            to_json(scope, bytes_mode="base64", fallback=repr),
        )
        self._keys = [hashlib.sha256(b"cursor:" + key + named).digest() for key in keys]
        self._kinds = tuple(map(_held, columns))

    def seal(self, *values: Any) -> str:
        """A cursor that stands after the row with these values."""
        payload = to_json(values, inf_nan_mode="strings")
        return urlsafe_b64encode(_sign(self._keys[0], payload) + payload).decode().rstrip("=")

    def open(self, cursor: str) -> tuple[Any, ...]:
        """The values in it. Raises UnprocessableEntityException for a forged one."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raw = b""
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(signature, _sign(key, payload)) for key in self._keys):
            raise UnprocessableEntityException(NOT_OURS)
        try:
            values: tuple[Any, ...] = _payload_of(self._kinds).validate_json(payload)
        except ValidationError:  # made before a column's type changed
            raise UnprocessableEntityException(NOT_OURS) from None
        return values


def _sign(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES]


def _held(column: Column[Any]) -> Any:
    # A numeric may be NaN, which pydantic takes for a Decimal only if it is asked to.
    kind: Any = kind_of(column)
    kind = Annotated[Decimal, AllowInfNan(True)] if kind is Decimal else kind
    return kind | None if column.nullable else kind


@cache
def _payload_of(kinds: tuple[Any, ...]) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[kinds])  # type: ignore[valid-type]


def table_of(model: Any) -> Table:
    """The table of a class, which SQLModel doesn't declare."""
    table: Table = model.__table__
    return table


def column_of(table: type[SQLModel], name: str) -> Column[Any]:
    """The table's column of that name. Raises ListingError when it has none."""
    columns = table_of(table).columns
    if name not in columns:
        raise ListingError(f"{table.__name__} has no column {name} to sort or filter by.")
    return columns[name]


def key_of(table: type[SQLModel]) -> Column[Any]:
    """The table's primary key. Raises ListingError for one of several columns."""
    columns = list(table_of(table).primary_key)
    if len(columns) != 1:
        raise ListingError(f"{table.__name__}'s primary key has several columns: no list pages it.")
    return columns[0]


def refuse_unsortable(column: Column[Any]) -> None:
    """Raise ListingError for a column whose values a cursor can't hold."""
    kind = kind_of(column)
    if kind is None or not issubclass(kind, KINDS):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise ListingError(
            f"{column} is of type {column.type!r}: a cursor can hold {kinds}, so take it out of "
            "what a list is sorted by."
        )


def kind_of(column: ColumnElement[Any]) -> type | None:
    """The type of the column's values in Python; None where a type of its own makes them."""
    kind = column.type
    if isinstance(kind, TypeDecorator) and not isinstance(kind, Interval):
        if not isinstance(kind, AutoString | UTCDateTime):
            return None
        kind = kind.impl_instance
    try:
        python_type: type = kind.python_type
    except NotImplementedError:
        return None
    return python_type
