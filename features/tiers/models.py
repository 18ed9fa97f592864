"""The table of tiers and the shapes that requests and answers have."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import MISSING, Field
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, Timestamped, referred, unique
from kernel.schemas import (
    CleanText,
    InputSchema,
    JsonNumber,
    ReadSchema,
    RowId,
    example,
)

NAME_TAKEN = "Tier Name not available"
TIER_NOT_FOUND = "Tier not found"
TIER_IN_USE = "Tier is in use"
MAX_NAME = 50
NAME_PATTERN = rf"^[A-Za-z0-9_-]{{1,{MAX_NAME}}}$"


TierName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)]


class TierBase(SQLModel):
    """What a tier is called."""

    name: TierName


class Tier(TierBase, Timestamped, table=True):
    """A plan. Users refer to it by `user.tier_id`, which keeps it from being deleted."""

    __table_args__: ClassVar[Any] = (
        unique("uq_tier_name", "name", answer=NAME_TAKEN),
        referred(missing=TIER_NOT_FOUND, in_use=TIER_IN_USE, small=True, audited=["name"]),
    )

    id: int | None = Column(default=None, primary_key=True)


class TierCreate(InputSchema, TierBase):
    """A new tier."""

    model_config = example(name="pro")


class TierUpdate(InputSchema):
    """The fields to change; what is left out stays as it is."""

    model_config = example(name="business")

    name: TierName | MISSING = MISSING


class TierRead(ReadSchema):
    """A tier."""

    id: int
    name: str
    created_at: datetime


class TierQuery(ListQuery):
    """The list of tiers."""

    sort: Literal["id", "-id", "name", "-name", "created_at", "-created_at"] = "id"
    name: Annotated[CleanText | None, Field(max_length=MAX_NAME)] = None


class UserTierUpdate(InputSchema):
    """The tier to put the user on; null for none."""

    model_config = example(tier_id=1)

    tier_id: Annotated[RowId, JsonNumber] | None
