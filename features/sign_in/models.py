"""By which sign-ins of others accounts are reached, sign-ins under way, and shapes of answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import DateTime, Index, LargeBinary, String, func
from sqlmodel import Field as Column

from kernel.db import ListQuery, TableModel, unique
from kernel.schemas import CleanText, InputSchema, ReadSchema, example

LINKED_ALREADY = "This sign-in is linked to an account already."
LAST_WAY = "The account has no password and no other sign-in: set a password first."
MAX_ISSUER = MAX_SUBJECT = 255  # OpenID Connect Core 1.0, section 2: a subject has no more
MAX_EMAIL = 254
MAX_RETURN = 2000
MAX_SECRET = 64
MAX_PROVIDERS, MAX_PROVIDER, MAX_TITLE = 10, 30, 50
MAX_IDENTITIES = 20  # of one account


def _moment(**options: Any) -> Any:
    return Column(sa_type=DateTime(timezone=True), **options)


def _now() -> Any:
    return _moment(sa_column_kwargs={"server_default": func.now()})


class Purpose(StrEnum):
    """What a sign-in at a provider is for."""

    SIGN_IN = "sign-in"
    LINK = "link"
    STEP_UP = "step-up"


class Identity(TableModel, table=True):
    """An account at a provider, by which one of ours is signed in to."""

    __table_args__: ClassVar[Any] = (
        unique("uq_identity_issuer_subject", "issuer", "subject", answer=LINKED_ALREADY),
        Index("ix_identity_user_id", "user_id"),
        {
            "info": {
                "small": True,  # few of one user
                "audited": ["user_id", "issuer"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    issuer: str = Column(max_length=MAX_ISSUER)
    subject: str = Column(max_length=MAX_SUBJECT)
    created_at: datetime = _now()
    last_used_at: datetime | None = _moment(default=None)


class SignInAttempt(TableModel, table=True):
    """A sign-in that was begun, until the browser comes back from the provider, or too late.

    Of the state and of the browser's cookie only the SHA-256 is kept.
    """

    __table_args__: ClassVar[Any] = (
        Index("ix_sign_in_attempt_expires_at", "expires_at"),
        Index("ix_sign_in_attempt_session_id", "session_id"),
    )

    state_hash: bytes = Column(primary_key=True, sa_type=LargeBinary(32))
    browser_hash: bytes = Column(sa_type=LargeBinary(32))
    provider: str = Column(max_length=MAX_PROVIDER)
    purpose: str = Column(sa_type=String(10))
    # Whose account it is about; NULL where that is to be found out.
    session_id: int | None = Column(default=None, foreign_key="session.id", ondelete="CASCADE")
    nonce: str = Column(max_length=MAX_SECRET)
    verifier: str = Column(max_length=MAX_SECRET)
    return_to: str = Column(max_length=MAX_RETURN)
    created_at: datetime = _now()
    expires_at: datetime = _moment()


class ConfirmedAddress(TableModel, table=True):
    """The address that an account has proved to be its own, where SIGN_IN_LINK_BY_EMAIL is on."""

    user_id: int = Column(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    email: str = Column(max_length=MAX_EMAIL)
    confirmed_at: datetime = _now()


class Attempt(ReadSchema):
    """A sign-in under way, once its browser is back: never an answer."""

    purpose: Purpose
    session_id: int | None
    nonce: str
    verifier: str
    return_to: str
    created_at: datetime


ReturnTo = Annotated[
    CleanText,
    Field(
        max_length=MAX_RETURN,
        description="Where the browser goes afterwards: a path, or an address of an origin in "
        "CORS_ORIGINS. Without it, a page says how it ended.",
    ),
]


class SignInStart(InputSchema):
    """What is to happen after the sign-in at the provider."""

    model_config = example(next="/account")

    next: ReturnTo = ""


class SignInUrl(ReadSchema):
    """Where to send the browser, which has got a cookie for its way back."""

    url: Annotated[str, Field(max_length=8192)]


class ProviderRead(ReadSchema):
    """A provider that people sign in by."""

    name: Annotated[str, Field(max_length=MAX_PROVIDER)]
    title: Annotated[str, Field(max_length=MAX_TITLE)]
    issuer: Annotated[str, Field(max_length=MAX_ISSUER)]
    path: Annotated[str, Field(max_length=100, description="Where a browser begins to sign in.")]


class ProvidersRead(ReadSchema):
    """All providers."""

    providers: Annotated[list[ProviderRead], Field(max_length=MAX_PROVIDERS)]


class IdentityRead(ReadSchema):
    """An account at a provider that is linked to yours."""

    id: int
    issuer: str
    created_at: datetime
    last_used_at: datetime | None


class IdentityQuery(ListQuery):
    """The list of one's identities."""

    sort: Literal["id", "-id"] = "id"
