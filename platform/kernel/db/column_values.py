"""What a column can hold, by its type: PostgreSQL's limits, and what would change in silence.

asyncpg cuts 5.7 for an integer, takes a date for a moment and the calendar's first and last moment
for infinity; PostgreSQL rounds to a numeric's scale. Such values are refused before they are sent.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import types as kinds
from sqlalchemy.types import TypeEngine

from kernel.schemas.schemas import clean_deep

# Of these the driver, or PostgreSQL, would store another value.
SILENT = (kinds.Integer, kinds.Numeric, kinds.Date, kinds.DateTime, kinds.ARRAY)
DIGITS, PLACES = 131_072, 16_383  # of a numeric that says neither

Check = Callable[[Any, Any], str | None]


def misfit(kind: TypeEngine[Any], value: Any) -> str | None:
    """Why a column of that type can't hold the value; None where nothing speaks against it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return None if value is None else check_of(kind)(kind, value)


def check_of(kind: TypeEngine[Any]) -> Check:
    """What says of a type and a value that isn't None why it doesn't fit."""
    if isinstance(kind, kinds.TypeDecorator) and not isinstance(kind, kinds.Interval):
        return lambda decorated, value: misfit(decorated.impl_instance, value)
    found = (check for checked, check in CHECKS.items() if isinstance(kind, checked))
    return next(found, _of(object, ""))  # of a type without a check any value fits


def _of(python: Any, told: str) -> Check:
    return lambda _, value: None if isinstance(value, python) else told


def _member(kind: kinds.Enum, value: Any) -> str | None:
    known = kind.enum_class or kind.enums
    among = value in [*known, *kind.enums]
    return None if among else f"must be one of {', '.join(kind.enums)}"


def _whole(bits: int) -> Check:
    low, high = -(2**bits), 2**bits - 1

    def check(_: kinds.Integer, value: Any) -> str | None:
        whole = isinstance(value, int) or (isinstance(value, float | Decimal) and value % 1 == 0)
        if not whole:
            return "must be a whole number"
        return None if low <= value <= high else f"must be between {low} and {high}"

    return check


def _numeric(kind: kinds.Numeric[Any], value: Any) -> str | None:
    if not isinstance(value, int | float | Decimal):
        return "must be a number"
    number = exact(value)
    if not number.is_finite():
        bounded = number.is_infinite() and kind.precision is not None
        return "must be finite" if bounded else None
    places = PLACES if kind.precision is None else kind.scale or 0
    digits = DIGITS if kind.precision is None else kind.precision - places
    if number and number.adjusted() >= digits:
        return f"must have at most {digits} digits before the point"
    exponent = cast(int, number.normalize().as_tuple().exponent)
    return f"must have at most {places} decimal places" if -exponent > places else None


def _float(_: kinds.Float[Any], value: Any) -> str | None:
    try:
        float(value)
    except (TypeError, ValueError):
        return "must be a number"
    except OverflowError:
        return "is too large a number"
    return None


def exact(value: Any) -> Decimal:
    """A number as it is written: 0.1 is a tenth."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _date(_: kinds.Date, value: Any) -> str | None:
    if not isinstance(value, date) or isinstance(value, datetime):
        return "must be a date"
    return None if date.min < value < date.max else "must be between 0001-01-02 and 9999-12-30"


def _moment(kind: kinds.DateTime, value: Any) -> str | None:
    if not isinstance(value, datetime):
        return "must be a date and a time"
    if kind.timezone != (value.utcoffset() is not None):
        return f"must have {'an' if kind.timezone else 'no'} offset from UTC"
    try:
        moment = value.astimezone(UTC).replace(tzinfo=None) if kind.timezone else value
    except OverflowError:
        moment = datetime.max
    within = datetime.min < moment < datetime.max
    return None if within else "must be within the years 1 to 9999 in UTC, and not at their ends"


def _text(kind: kinds.String, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if kind.length is not None and len(value) > kind.length:
        return f"must have at most {kind.length} characters"
    return _unclean(value)


def _json(_: kinds.JSON, value: Any) -> str | None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return "must be JSON, without NaN and infinity"
    return _unclean(value)


def _unclean(value: Any) -> str | None:
    return next((told for _, told in clean_deep(value)), None)


def _array(kind: kinds.ARRAY[Any], value: Iterable[Any] | None) -> str | None:
    if not isinstance(value, list | tuple | set | frozenset):
        return "must be a list"
    items = [
        misfit(kind, one) if isinstance(one, list) else misfit(kind.item_type, one) for one in value
    ]
    return next(filter(None, items), None)


# The first that a type is one of: an Enum is a String, too.
CHECKS: Mapping[Any, Check] = {
    kinds.Enum: _member,
    kinds.SmallInteger: _whole(15),
    kinds.BigInteger: _whole(63),
    kinds.Integer: _whole(31),
    kinds.Numeric: _numeric,
    kinds.Float: _float,
    kinds.Date: _date,
    kinds.DateTime: _moment,
    kinds.String: _text,
    kinds.JSON: _json,
    kinds.ARRAY: _array,
    kinds.Boolean: _of(bool, "must be true or false"),
    kinds.Interval: _of(timedelta, "must be a duration"),
    kinds.Uuid: _of(UUID, "must be a UUID"),
    kinds.LargeBinary: _of(bytes | bytearray | memoryview, "must be bytes"),
}


class Checked(TypeEngine[Any]):
    """Of a type's implementation for a driver: it refuses what would be stored as another value."""

    def bind_processor(self, dialect: Any) -> Any:
        process = super().bind_processor(dialect)
        check, numeric = check_of(self), isinstance(self, kinds.Numeric)

        def checked(value: Any) -> Any:
            if value is not None and (told := check(self, value)):
                raise ValueError(told)
            if numeric and isinstance(value, float):
                value = exact(value)
            return value if process is None else process(value)

        return checked


def refuse_silent_changes(dialect: Any) -> None:
    """Let that dialect's types check what they send."""
    dialect.colspecs = dialect.colspecs | {
        kind: type(made.__name__, (Checked, made), {})
        for kind, made in dialect.colspecs.items()
        if issubclass(kind, SILENT)
    }
