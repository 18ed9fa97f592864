"""The tables of sessions and of used refresh tokens, and the shape of a login's answer."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr
from sqlalchemy import DateTime, Index, func
from sqlmodel import Field as Column

from kernel.db import ListQuery, TableModel
from kernel.schemas import InputSchema, NoNul, ReadSchema, example

MAX_DEVICE = 80
MAX_ADDRESS = 45  # an IPv6 address that holds an IPv4 one


def _moment(**options: Any) -> Any:
    return Column(sa_type=DateTime(timezone=True), **options)


class Session(TableModel, table=True):
    """A login, until it ends. Its tokens are good as long as the row is neither ended nor expired.

    `refresh_jti` names the one refresh token that is still unused. The row is kept until that
    token has expired by itself, so that a replay is recognised as long as it could be tried.
    """

    __table_args__: ClassVar[Any] = (
        Index("ix_session_user_id", "user_id"),
        Index("ix_session_expires_at", "expires_at"),
        {
            "info": {
                "small": True,  # few of one user
                "audited": ["user_id", "ended_at", "end_reason", "password_at"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    device: str = Column(max_length=MAX_DEVICE)
    address: str = Column(max_length=MAX_ADDRESS)
    refresh_jti: str = Column(max_length=32)
    refresh_issued_at: datetime = _moment()
    created_at: datetime = _moment(sa_column_kwargs={"server_default": func.now()})
    last_used_at: datetime = _moment(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime = _moment()
    ended_at: datetime | None = _moment(default=None)
    end_reason: str | None = Column(default=None, max_length=20)
    # When its password was entered last. NULL: at created_at, as before there was this column.
    password_at: datetime | None = _moment(default=None)


class TokenBlacklist(TableModel, table=True):
    """A refresh token that was used, and what its successor says, until it would have expired."""

    __table_args__: ClassVar[Any] = (
        Index("ix_token_blacklist_session_id", "session_id"),
        Index("ix_token_blacklist_expires_at", "expires_at"),
    )

    jti: str = Column(primary_key=True, max_length=32)
    session_id: int = Column(foreign_key="session.id", ondelete="CASCADE")
    used_at: datetime = _moment()
    expires_at: datetime = _moment()
    successor_jti: str = Column(max_length=32)
    successor_issued_at: datetime = _moment()
    successor_expires_at: datetime = _moment()


class SessionOwner(ReadSchema):
    """Which session, and whose."""

    id: int
    user_id: int


class SessionTokens(SessionOwner):
    """What the tokens of a session are made from."""

    refresh_jti: str
    refresh_issued_at: datetime
    expires_at: datetime


class UsedToken(SessionOwner):
    """What became of a refresh token that could not be exchanged, and its successor, if any."""

    lives: bool
    in_grace: bool | None
    refresh_jti: str | None
    refresh_issued_at: datetime | None
    expires_at: datetime | None


class SessionRead(ReadSchema):
    """An active login: on which device, from where, and when it was last used."""

    id: int
    device: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: Annotated[bool, Field(description="Whether it is the session of this request.")]


class SessionQuery(ListQuery):
    """The list of one's sessions."""

    sort: Literal["id", "-id", "last_used_at", "-last_used_at"] = "id"


class StepUp(InputSchema):
    """One's password, entered again."""

    model_config = example(password="correct horse battery")  # noqa: S106 - everybody's example

    password: Annotated[SecretStr, NoNul()]


class Token(ReadSchema):
    """An access token; the refresh token comes in a cookie."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the scheme
