"""A table with a column of each type, as features declare them, in two versions."""

BEFORE = '''\
"""A column of each type."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ARRAY, BigInteger, Column, Computed, Index, String
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from kernel.db import SoftDeleted, Timestamped, UUIDKey


class Colour(Enum):
    RED = "r"
    BLUE = "it's blue: %"


class Status(StrEnum):
    DRAFT = "draft"
    SENT = "sent"


class Size(IntEnum):
    SMALL = 1
    LARGE = 20


class Owner(UUIDKey, table=True):
    name: str = Field(max_length=30)


class Specimen(UUIDKey, Timestamped, SoftDeleted, table=True):
    __table_args__ = (Index("ix_specimen_words", "words", postgresql_using="gin"),)
    owner_id: UUID = Field(foreign_key="owner.id", ondelete="CASCADE", index=True)
    name: str = Field(max_length=40)
    note: str | None = None
    number: int
    big: int = Field(sa_type=BigInteger)
    amount: Decimal = Field(max_digits=12, decimal_places=4)
    exact: Decimal
    ratio: float
    flag: bool = False
    day: date
    moment: datetime
    lasts: timedelta
    colour: Colour
    status: Status | None = None
    size: Size = Size.SMALL
    state: Literal["new", "old"] = "new"
    document: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    labels: list[str] = Field(sa_type=ARRAY(String(30)))
    words: str = Field(
        sa_column=Column(
            TSVECTOR,
            Computed("to_tsvector('english', name || ' ' || coalesce(note, ''))", persisted=True),
            info={"config": "english"},
        )
    )
    blob: bytes
    secret: SecretStr | None = Field(default=None, max_length=40)
'''
ADDED = """\
    more_number: int = 7
    more_big: int = Field(default=2**40, sa_type=BigInteger)
    more_amount: Decimal = Field(default=Decimal("1.5"), max_digits=12, decimal_places=4)
    more_ratio: float = 0.25
    more_flag: bool = True
    more_day: date = date(2026, 1, 2)
    more_moment: datetime | None = None
    more_lasts: timedelta = timedelta(days=1, microseconds=1)
    more_ref: UUID | None = None
    more_colour: Colour = Colour.BLUE
    more_status: Status = Status.SENT
    more_state: Literal["it's", "old"] = "it's"
    more_document: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    more_labels: list[str] | None = Field(default=None, sa_type=ARRAY(String(30)))
    more_blob: bytes | None = None
    more_secret: SecretStr | None = None
"""
CHANGES = {
    '    RED = "r"\n': '    RED = "r"\n    GREEN = "g"\n',
    '    SENT = "sent"\n': '    SENT = "sent"\n    PAID = "a paid one"\n',
    "    LARGE = 20\n": "    LARGE = 20\n    HUGE = 300\n",
    'Literal["new", "old"]': 'Literal["new", "old", "older"]',
}


def after() -> str:
    """The second version."""
    text = BEFORE + ADDED
    for old, new in CHANGES.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
