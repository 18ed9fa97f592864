"""Addresses that get no mail, links that were mailed, and the shapes of requests and answers."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy import DateTime, Index, LargeBinary, String, func
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, TableModel, Timestamped, now, unique
from kernel.schemas import CleanText, EmailAddress, InputSchema, NoNul, ReadSchema, example

ALREADY = "The address is on the list"
MAX_EMAIL = 254
MAX_PURPOSE = 60
MAX_TOKEN = 100  # ours have 43 characters

Address = Annotated[EmailAddress, AfterValidator(str.lower)]
Reason = Literal["refused", "complained", "manual"]


class EmailSuppression(Timestamped, table=True):
    """An address that no mail is sent to, in lower case, and why."""

    __table_args__: ClassVar[Any] = (
        unique("uq_email_suppression_email", "email", answer=ALREADY),
        Index("ix_email_suppression_created_at", "created_at", "id"),
        {"info": {"audited": ["reason"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    email: str = Column(max_length=MAX_EMAIL)
    reason: str = Column(sa_type=String(20))


class EmailLink(TableModel, table=True):
    """A link that is mailed: good once, for one address, until it expires.

    `purpose` is the mail's template; `subject_id` is the row that the link is about, by its purpose
    a user or another feature's row. Of the token only the SHA-256 is kept, once it is mailed.
    """

    __table_args__: ClassVar[Any] = (
        Index("uq_email_link_token_hash", "token_hash", unique=True),
        Index("ix_email_link_subject_id", "subject_id", "purpose"),
        Index("ix_email_link_expires_at", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    purpose: str = Column(max_length=MAX_PURPOSE)
    subject_id: int
    email: str = Column(max_length=MAX_EMAIL)
    token_hash: bytes | None = Column(default=None, sa_type=LargeBinary(32))
    created_at: datetime = Column(
        default_factory=now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now()},
    )
    expires_at: datetime = Column(sa_type=DateTime(timezone=True))


class Link(ReadSchema):
    """What a link is good for: never an answer."""

    id: int
    purpose: str
    subject_id: int
    email: str


LinkToken = Annotated[SecretStr, Field(max_length=MAX_TOKEN), NoNul()]


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
