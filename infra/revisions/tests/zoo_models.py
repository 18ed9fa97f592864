"""Models in two versions, with most of what PostgreSQL's tables can have."""

BEFORE = '''\
"""A zoo of columns, constraints and indexes."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Enum, Float, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR, ExcludeConstraint
from sqlmodel import Field, SQLModel


class Mood(StrEnum):
    calm = "calm"
    wild = "wild"


MOOD = Enum(Mood, name="mood", values_callable=lambda kind: [member.value for member in kind])


class Keeper(SQLModel, table=True):
    id: uuid.UUID | None = Field(
        default=None, primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")}
    )
    name: str = Field(max_length=30, unique=True)
    mood: Mood = Field(sa_column=Column(MOOD, nullable=False))
    hired_at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("now() + interval '1 day'")},
    )


class Animal(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("legs >= 0", name="legs"),
        Index("ix_animal_name", "name", postgresql_where=text("legs > 0")),
    )
    id: int | None = Field(default=None, primary_key=True)
    keeper_id: uuid.UUID = Field(foreign_key="keeper.id", ondelete="CASCADE", index=True)
    name: str = Field(max_length=30)
    call: str = Field(sa_column_kwargs={"server_default": "it's: loud"})
    legs: int
    weight: float = Field(sa_column=Column(Float(24), nullable=False))
    price: Decimal = Field(max_digits=8, decimal_places=2)
    mood: Mood | None = Field(default=None, sa_column=Column(MOOD, nullable=True))
    traits: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    tags: list[str] = Field(sa_column=Column(ARRAY(TSVECTOR), nullable=False))
    photo: bytes | None = None
    nickname: str | None = None
'''

MEMBERS = """\
    calm = "calm"
    shy = "shy"
    wild = "wild"
    angry = "angry"
"""
ARGUMENTS = """\
        CheckConstraint("legs BETWEEN 0 AND 1000", name="legs"),
        Index(
            "ix_animal_name",
            "name",
            postgresql_where=text("legs > 2"),
            postgresql_include=["legs"],
        ),
        ExcludeConstraint(
            ("name", "="),
            ("call", "="),
            name="ex_animal_call",
            using="btree",
            where=text("legs > 900"),
        ),
        UniqueConstraint(
            "name", "nickname", name="uq_animal_names", deferrable=True, initially="DEFERRED"
        ),
        Index("uq_animal_photo", "photo", unique=True, postgresql_nulls_not_distinct=False),
        UniqueConstraint("name", "call", name="uq_animal_call", postgresql_nulls_not_distinct=True),
"""
KEEPERS = """\
    name: str = Field(max_length=30, sa_column_kwargs={"comment": "as on the badge"})
    badge: int | None = Field(default=None, unique=True)
"""
ANIMALS = """\
    nickname: str = Field(default="none")
    loved: bool = False
    friend: Mood = Field(
        default=Mood.calm, sa_column=Column(MOOD, nullable=False, default=Mood.calm)
    )
"""
CHANGES = {
    '    calm = "calm"\n    wild = "wild"\n': MEMBERS,
    BEFORE[
        BEFORE.index("        CheckConstraint(") : BEFORE.index("    )\n    id: int")
    ]: ARGUMENTS,
    "Index, text\n": "Index, UniqueConstraint, text\n",
    "    name: str = Field(max_length=30, unique=True)\n": KEEPERS,
    "    nickname: str | None = None\n": ANIMALS,
    "    hired_at: datetime = Field(\n": "    left_at: datetime = Field(\n",
}


def after() -> str:
    """The second version."""
    text = BEFORE
    for old, new in CHANGES.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
