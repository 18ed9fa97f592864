"""The column types of the matrix: how each is declared, and values that it must carry."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Json, SecretStr, TypeAdapter
from sqlalchemy import ARRAY, BigInteger, String
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from kernel.schemas import Base64

EAST = timezone(timedelta(hours=14))


class Colour(Enum):
    """Whose names aren't its values, and whose order isn't the alphabet's."""

    RED = "r"
    BLUE = "it's blue"
    GREEN = "b:*%"


class Status(StrEnum):
    """An ordinary one."""

    DRAFT = "draft"
    SENT = "a sent one"


class Size(IntEnum):
    """A number with a name."""

    SMALL = 1
    LARGE = 20


@dataclass(frozen=True)
class Kind:
    """A column type: `stored` is the table's annotation, `sent` a body's, `asked` a filter's."""

    name: str
    stored: Any
    values: Sequence[Any]
    unfit: Sequence[Any] = ()  # in a body, for `sent` as wide as a careless author writes it
    careless: Any = None
    column: dict[str, Any] = field(default_factory=dict)
    sent: Any = None
    asked: Any = None
    shown: Any = None
    sortable: bool = True
    in_paths: bool = True
    hidden: bool = False
    same: Callable[[Any, Any], bool] = lambda a, b: bool(a == b)

    @property
    def body(self) -> Any:
        return self.sent or self.stored

    @property
    def filtered(self) -> Any:
        return self.asked or self.body

    @property
    def read(self) -> Any:
        return self.shown or self.stored

    def text(self, value: Any) -> str:
        """The value as it stands in an address."""
        if self.name == "tsvector":
            return " ".join(re.findall(r"'(\w+)'", value))
        if self.asked is Json:
            return json.dumps(value)
        made = TypeAdapter(self.filtered).dump_python(value, mode="json")
        return str(made).lower() if isinstance(made, bool) else str(made)

    def json(self, value: Any) -> Any:
        """The value as it stands in a body."""
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return TypeAdapter(self.body).dump_python(value, mode="json")


def _moments() -> list[datetime]:
    return [
        datetime(1, 1, 1, 0, 0, 0, 1, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999998, UTC),
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        datetime(2026, 1, 2, 3, 4, 5, 7, UTC),
        datetime(2026, 1, 2, 13, 4, 5, 6, EAST),
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    ]


NUL = "a\x00b"
FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999999Z"]
UUIDS = [UUID(int=0), UUID(int=2**128 - 1), UUID("0198c0de-0000-7000-8000-000000000001")]
KINDS = [
    Kind(
        "str",
        str,
        ["", "a", "B", "b", "A", "é", "%_\\*:;", "a", " ", "日本", "x" * 40],
        [NUL, "\ud800", "x" * 41],
        column={"max_length": 40},
    ),
    Kind("int", int, [0, -1, 2**31 - 1, -(2**31), 7, 7], [2**31, -(2**31) - 1, 5.7, 10**30], float),
    Kind(
        "bigint",
        int,
        [0, 2**63 - 1, -(2**63), 2**53 + 1, 5, 5],
        [2**63, -(2**63) - 1, 10**40],
        column={"sa_type": BigInteger},
    ),
    Kind(
        "Decimal",
        Decimal,
        [
            Decimal(0),
            Decimal("99999999.9999"),
            Decimal("-99999999.9999"),
            Decimal("1.5"),
            Decimal("1.50"),
        ],
        ["100000000", "0.00001", "1e200000", "-1e99", "1e-99"],
        column={"max_digits": 12, "decimal_places": 4},
    ),
    Kind(
        "numeric without a size",
        Decimal,
        [Decimal(0), Decimal("1e100"), Decimal("-1e-100"), Decimal("0.1"), Decimal("0.1")],
        ["1e200000", "-1e131072", "1e-16400"],
    ),
    Kind("float", float, [0.0, 0.1, 1e308, -1e308, 5e-324, 1 / 3, 1 / 3], [10**400], int),
    Kind("bool", bool, [True, False, True], []),
    Kind(
        "date",
        date,
        [date(1, 1, 2), date(9999, 12, 30), date(2026, 1, 2), date(2026, 1, 2), date(2024, 2, 29)],
        ["9999-12-31", "0001-01-01"],
    ),
    Kind(
        "timestamptz",
        datetime,
        _moments(),
        [*FAR, "2026-01-01T00:00:00", "2026-01-01"],
        datetime,
        sent=AwareDatetime,
    ),
    Kind(
        "timedelta",
        timedelta,
        [
            timedelta(0),
            timedelta(microseconds=1),
            timedelta(microseconds=-1),
            timedelta(days=999_999_999),
            timedelta(days=-999_999_999),
            timedelta(1),
            timedelta(1),
        ],
        [],
    ),
    Kind("UUID", UUID, [*UUIDS, UUIDS[2]], []),
    Kind("Enum", Colour, [*Colour, Colour.RED], ["RED", "x"], str),
    Kind("StrEnum", Status, [*Status, Status.SENT], ["DRAFT", "lost"], str),
    Kind("IntEnum", Size, [*Size, Size.SMALL], []),
    Kind("Literal", Literal["draft", "a sent one"], ["draft", "a sent one", "draft"], []),
    Kind(
        "JSONB",
        dict[str, Any],
        [{}, {"a": 1}, {"a": {"b": [1, 2.5, None, True, "é"]}}, {"a": 1, "c": "x"}, {"n": 10**40}],
        [{"a": NUL}, {NUL: 1}, {"a": "\ud800"}],
        column={"sa_type": JSONB},
        asked=Json,
        sortable=False,
        in_paths=False,
        same=lambda whole, part: all(whole.get(k) == v for k, v in part.items()),
    ),
    Kind(
        "array",
        list[str],
        [[], ["a"], ["a", "b"], ["", "é", "%_"], ["b", "a"]],
        [[NUL], ["\ud800"], ["x" * 31]],
        column={"sa_type": ARRAY(String(30))},
        sortable=False,
        in_paths=False,
        same=lambda whole, part: set(part) <= set(whole),
    ),
    Kind(
        "tsvector",
        str,
        ["", "'cat' 'rat'", "'cat':1A 'fat':2", "'dog'"],
        [NUL, "'"],
        column={"sa_type": TSVECTOR},
        sortable=False,
        same=lambda whole, words: all(word in whole for word in re.findall(r"'\w+'", words)),
    ),
    Kind(
        "bytes",
        bytes,
        [b"", b"\x00\xff\xfe", b"text", b"text"],
        [],
        sent=Base64,
        sortable=False,
    ),
    Kind(
        "SecretStr",
        SecretStr,
        [SecretStr("hush"), SecretStr("a:*")],
        [NUL, "x" * 41],
        column={"max_length": 40},
        sortable=False,
        in_paths=False,
        hidden=True,
    ),
]
BY_NAME = {kind.name: kind for kind in KINDS}
