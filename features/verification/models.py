"""Accounts whose address isn't confirmed, registrations that wait for it, and what is sent."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr
from sqlalchemy import DateTime, Index, String, func, text
from sqlmodel import Field as Column

from kernel.db import TableModel
from kernel.schemas import EmailAddress, InputSchema, NoNul, ReadSchema, example

MAX_SENT = 200  # characters; no token is as long
EXAMPLE = example(token="the-code-behind-the-link")  # noqa: S106 - everybody's example


def _made_at() -> Any:
    return Column(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()})


class UnverifiedUser(TableModel, table=True):
    """An account that was asked to confirm its address, and hasn't yet. All others count as
    verified."""

    user_id: int = Column(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    created_at: datetime = _made_at()


class PendingRegistration(TableModel, table=True):
    """An account that is made once its address is confirmed; `id` is to be the account's."""

    __table_args__: ClassVar[Any] = (
        Index("ix_pending_registration_created_at", "created_at"),
        Index("ix_pending_registration_email", text("lower(email)"), "id"),
    )

    id: int = Column(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Column(max_length=30)
    username: str = Column(max_length=20)
    email: str = Column(sa_type=String(254))
    hashed_password: str = Column(max_length=60)
    created_at: datetime = _made_at()


class Registration(ReadSchema):
    """A registration that waits: never an answer."""

    id: int
    name: str
    username: str
    email: str
    hashed_password: str


class LinkRequest(InputSchema):
    """Which account's address shall be confirmed."""

    model_config = example(email="ada@example.com")

    email: EmailAddress


class RequestForm(InputSchema):
    """The same as a page's form sends it; what is wrong with it, the page says."""

    model_config = example(email="ada@example.com")

    email: str = ""


class Confirmation(InputSchema):
    """The code of the link that was mailed."""

    model_config = EXAMPLE

    token: Annotated[SecretStr, Field(max_length=MAX_SENT), NoNul()]


class ConfirmationForm(InputSchema):
    """The same as a page's form sends it."""

    model_config = EXAMPLE

    token: Annotated[SecretStr, NoNul()] = SecretStr("")
