"""Addresses that get no mail, and the shapes that requests and answers have."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, EmailStr, Field
from sqlalchemy import Index, String
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, Timestamped, unique
from kernel.schemas import CleanText, InputSchema, ReadSchema, example

ALREADY = "The address is on the list"
MAX_EMAIL = 254

Address = Annotated[EmailStr, AfterValidator(str.lower)]
Reason = Literal["refused", "complained", "manual"]


class EmailSuppression(Timestamped, table=True):
    """An address that no mail is sent to, in lower case, and why."""

    __tablename__ = "email_suppression"
    __table_args__: ClassVar[Any] = (
        unique("uq_email_suppression_email", "email", answer=ALREADY),
        Index("ix_email_suppression_created_at", "created_at", "id"),
        {"info": {"audited": ["reason"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    email: str = Column(max_length=MAX_EMAIL)
    reason: str = Column(sa_type=String(20))


class SuppressionBase(SQLModel):
    """Which address, and why."""

    email: Address = Column(max_length=MAX_EMAIL)
    reason: Literal["complained", "manual"] = "manual"


class SuppressionCreate(InputSchema, SuppressionBase):
    """An address that shall get no mail."""

    model_config = example(email="ada@example.com")


class SuppressionRead(ReadSchema):
    """An address that gets no mail; `refused`: by its own server, when one was sent."""

    id: int
    email: str
    reason: Reason
    created_at: datetime


Lowered = Annotated[CleanText, AfterValidator(str.lower)]


class SuppressionQuery(ListQuery):
    """The list of them."""

    sort: Literal["id", "-id", "created_at", "-created_at"] = "id"
    email: Annotated[Lowered | None, Field(max_length=MAX_EMAIL)] = None
