"""The types of the field language, and what a field of each may say of itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

MAX_INT, MAX_BIGINT = 2**31 - 1, 2**63 - 1
ELEMENTS = ("str", "int", "float", "bool", "date", "uuid")
DIGITS = "12,2"

OPTIONAL = frozenset({"optional"})
SCALAR = OPTIONAL | {"unique", "index", "default"}
RANGE, PERIOD = ("min", "max"), ("from", "to")


@dataclass(frozen=True)
class Kind:
    """A type of fields: the modifiers it takes, and how lists treat it."""

    modifiers: frozenset[str] = OPTIONAL
    argument: str = ""  # what stands behind the type, in words; empty: nothing does
    needs_argument: bool = False
    most: int = 0  # of `max=`
    is_default: Callable[[str, str], bool] = lambda argument, default: False
    bounds: tuple[str, str] | None = None  # the suffixes of the filters for a range
    is_filter: bool = False  # lists are filtered by its value
    is_sort: bool = False  # lists can be sorted by it, where it has an index
    is_moment: bool = False  # and has one, since lists are sorted by moments
    is_relation: bool = False


def _is_number(most: int) -> Callable[[str, str], bool]:
    return lambda argument, default: default.isdigit() and int(default) <= most


def _is_decimal(argument: str, default: str) -> bool:
    digits, _, places = (argument or DIGITS).partition(",")
    with suppress(InvalidOperation, ValueError):
        exponent = Decimal(default).as_tuple().exponent
        whole = len(default.partition(".")[0])
        fits = whole <= int(digits) - int(places) and -int(exponent) <= int(places)
        return default.replace(".", "", 1).isdigit() and fits
    return False


def _is_date(argument: str, default: str) -> bool:
    with suppress(ValueError):
        return date.fromisoformat(default).isoformat() == default
    return False


def _number(most: int, is_default: Callable[[str, str], bool], argument: str = "") -> Kind:
    return Kind(SCALAR | {"max"}, argument, False, most, is_default, RANGE, is_sort=True)


KINDS: dict[str, Kind] = {
    "str": Kind(
        SCALAR | {"max", "search"},
        most=1000,
        is_default=lambda argument, default: True,
        is_filter=True,
        is_sort=True,
    ),
    "text": Kind(OPTIONAL | {"max", "search"}, most=1_000_000),
    "int": _number(MAX_INT, _is_number(MAX_INT)),
    "bigint": _number(MAX_BIGINT, _is_number(MAX_BIGINT)),
    "decimal": _number(MAX_INT, _is_decimal, "its digits and decimal places, like 12,2"),
    "float": _number(MAX_INT, lambda argument, default: default.replace(".", "", 1).isdecimal()),
    "bool": Kind(
        OPTIONAL | {"default"},
        is_default=lambda argument, default: default in ("true", "false"),
        is_filter=True,
    ),
    "date": Kind(SCALAR, is_default=_is_date, bounds=PERIOD, is_sort=True, is_moment=True),
    "datetime": Kind(SCALAR - {"default"}, bounds=PERIOD, is_sort=True, is_moment=True),
    "timedelta": Kind(SCALAR - {"default"}, bounds=RANGE, is_sort=True),
    "uuid": Kind(SCALAR - {"default"}, is_filter=True, is_sort=True),
    "enum": Kind(
        OPTIONAL | {"default", "index"},
        argument="its values, like draft,sent,paid",
        needs_argument=True,
        is_default=lambda argument, default: default in argument.split(","),
        is_filter=True,
    ),
    "json": Kind(),
    "array": Kind(
        OPTIONAL | {"max"}, argument=f"the type of its elements ({', '.join(ELEMENTS)})", most=1000
    ),
    "bytes": Kind(OPTIONAL | {"max"}, most=1_000_000),
    "url": Kind(OPTIONAL | {"max", "search"}, most=2048),
    "email": Kind(
        SCALAR | {"search"},
        is_default=lambda argument, default: "@" in default[1:-1],
        is_filter=True,
        is_sort=True,
    ),
    "user": Kind(OPTIONAL, is_relation=True),
    "references": Kind(
        OPTIONAL,
        argument="the feature whose rows it names, like customers",
        needs_argument=True,
        is_relation=True,
    ),
    "has_many": Kind(
        frozenset(), argument="the fields of each, like title=str,price=decimal", is_relation=True
    ),
    "many_to_many": Kind(
        frozenset(), argument="the feature whose rows they are, like users", is_relation=True
    ),
}
