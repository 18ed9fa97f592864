"""Cursors: what they can hold; opaque to the client, of no use once anything has been changed."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, TypeDecorator
from sqlmodel import SQLModel

from kernel.config.groups import SecretSettings
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import UnprocessableEntityException

SIGNATURE_BYTES = 16
KINDS = (int, str, datetime)


class ListingError(Exception):
    """A list names columns that it can't serve; raised while the application is built."""


class CursorSigner:
    """Makes cursors that only this list, with these filters, accepts (HMAC, RFC 2104)."""

    def __init__(self, unit: UnitOfWork, scope: Any) -> None:
        secret = unit.resources.settings.group(SecretSettings).key
        self._key = hashlib.sha256(b"cursor:" + secret + orjson.dumps(scope)).digest()

    def seal(self, value: Any, row_id: int) -> str:
        """A cursor that stands after the row with this sort value and id."""
        payload = orjson.dumps([value, row_id])
        return urlsafe_b64encode(self._sign(payload) + payload).decode().rstrip("=")

    def open(self, cursor: str) -> tuple[Any, int]:
        """The sort value and the id in it. Raises UnprocessableEntityException for a forged one."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raw = b""
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(payload)):
            raise UnprocessableEntityException("The cursor is not one of this list.")
        value, row_id = orjson.loads(payload)
        return value, row_id

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")[:SIGNATURE_BYTES]


def column_of(table: type[SQLModel], name: str) -> Column[Any]:
    """The table's column of that name. Raises ListingError when it has none."""
    columns = table.__table__.columns  # type: ignore[attr-defined]
    if name not in columns:
        raise ListingError(f"{table.__name__} has no column {name} to sort or filter by.")
    column: Column[Any] = columns[name]
    return column


def refuse_unsortable(column: Column[Any]) -> None:
    """Raise ListingError for a column whose values a cursor can't hold."""
    if column.nullable:
        # A null is neither before nor after anything: cursor pages would lose its row.
        raise ListingError(f"{column} may be null: lists can't be sorted by it.")
    if kind_of(column) not in KINDS:
        raise ListingError(
            f"{column} is of type {column.type!r}: a cursor can hold whole numbers, text and "
            "moments only, so take it out of what a list is sorted by."
        )


def kind_of(column: Column[Any]) -> type | None:
    """The type of what the driver gives for the column; None when nobody can tell."""
    # SQLModel wraps the types of text and of moments.
    wrapped = isinstance(column.type, TypeDecorator)
    kind = column.type.impl_instance if wrapped else column.type  # type: ignore[attr-defined]
    try:
        python_type: type = kind.python_type
    except NotImplementedError:
        return None
    return python_type
