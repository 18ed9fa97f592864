"""The table of users and the shapes that requests and answers have."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    MISSING,
    AfterValidator,
    Field,
    SecretStr,
    StrictBool,
)
from sqlalchemy import Index, String, text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.context import Principal
from kernel.db import ListQuery, SoftDeleted, Timestamped, unique
from kernel.schemas import (
    CleanText,
    EmailAddress,
    InputSchema,
    Message,
    NoNul,
    ReadSchema,
    RowId,
    clean,
    example,
    url_of,
)

USER_NOT_FOUND = "User not found"
EMAIL_TAKEN = "Email is already registered"
USERNAME_TAKEN = "Username not available"
MAX_NAME = 30
MAX_USERNAME = 20
MAX_EMAIL = 254
MIN_PASSWORD = 8  # characters
MAX_PASSWORD_BYTES = 72  # bcrypt reads no further


def _of_fit_length(password: SecretStr) -> SecretStr:
    if len(password.get_secret_value()) < MIN_PASSWORD:
        raise ValueError(f"must be at least {MIN_PASSWORD} characters")
    if len(password.get_secret_value().encode()) > MAX_PASSWORD_BYTES:
        raise ValueError(f"must be at most {MAX_PASSWORD_BYTES} bytes of UTF-8")
    return password


# What would break a line, or turn the text around that is shown beside a name.
_UNFIT = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069"
# What shows nothing: spaces, joiners and marks without width, fillers.
_BLANK = (
    "\\s\\u00ad\\u034f\\u115f\\u1160\\u180e\\u200b-\\u200f\\u2060-\\u2064\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff"
    "\\uffa0"
)
_SHOWN = re.compile(f"^[^{_UNFIT}]*[^{_UNFIT}{_BLANK}][^{_UNFIT}]*$")


def _shown(name: str) -> str:
    if not _SHOWN.search(name):
        raise ValueError("must show something, without control or direction characters")
    return name


Name = Annotated[
    str,
    AfterValidator(clean),
    Field(min_length=2, max_length=MAX_NAME, json_schema_extra={"pattern": _SHOWN.pattern}),
    AfterValidator(_shown),
]
Username = Annotated[str, Field(min_length=2, max_length=MAX_USERNAME, pattern=r"^[a-z0-9]+$")]
# Not Field(min_length=...): its message would speak of items.
Password = Annotated[
    SecretStr,
    Field(json_schema_extra={"minLength": MIN_PASSWORD}),
    AfterValidator(_of_fit_length),
    NoNul(),
]
WebAddress = Annotated[CleanText, url_of("http", "https")]


class UserBase(SQLModel):
    """What an account is known by."""

    name: Name
    username: Username
    email: EmailAddress = Column(sa_type=String(MAX_EMAIL))


class User(UserBase, Timestamped, SoftDeleted, table=True):
    """An account. `version` counts its changes."""

    # PostgreSQL reports the violation of the index that was made first.
    __table_args__: ClassVar[Any] = (
        unique("uq_user_email", "lower(email)", answer=EMAIL_TAKEN, where=SoftDeleted.LIVE),
        unique("uq_user_username", "username", answer=USERNAME_TAKEN, where=SoftDeleted.LIVE),
        Index(
            "ix_user_live_superusers",
            "id",
            postgresql_where=text("is_superuser AND NOT is_deleted"),
        ),
        Index("ix_user_tier_id", "tier_id"),
        Index("ix_user_created_at", "created_at", "id", postgresql_where=SoftDeleted.LIVE),
        Index("ix_user_email", "email", "id", postgresql_where=SoftDeleted.LIVE),
        {
            "info": {
                "counted_by": [],
                # Of all others an audit entry has the name only: they are personal, or secret.
                "audited": ["tier_id", "is_superuser", "is_deleted", "deleted_at", "version"],
                "audited_always": ["is_superuser"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    # NULL: the account has no password, and signs in by something else.
    hashed_password: str | None = Column(default=None, max_length=60)
    profile_image_url: WebAddress | None = None
    tier_id: int | None = Column(default=None, foreign_key="tier.id", ondelete="RESTRICT")
    is_superuser: bool = Column(default=False, sa_column_kwargs={"server_default": text("false")})
    version: int = Column(default=1, sa_column_kwargs={"server_default": text("1")})


class UserCreate(InputSchema, UserBase):
    """A new account."""

    model_config = example(
        name="Ada Lovelace",
        username="ada",
        email="ada@example.com",
        password="correct horse battery",  # noqa: S106 - everybody's example
    )

    password: Password


class UserCreateInternal(UserBase):
    """What is stored of a new user."""

    id: int | None = None  # one that was taken from the sequence before, if any
    hashed_password: str | None = None
    is_superuser: bool = False


class UserUpdate(InputSchema):
    """The fields to change; what is left out stays as it is. Your own new `password` needs the
    `current_password`."""

    model_config = example(name="Ada King")

    name: Name | MISSING = MISSING
    username: Username | MISSING = MISSING
    email: EmailAddress | MISSING = MISSING
    profile_image_url: WebAddress | MISSING | None = MISSING
    password: Password | MISSING = MISSING
    current_password: Annotated[SecretStr, NoNul()] | None = None


class RoleUpdate(InputSchema):
    """Whether a user is a superuser."""

    model_config = example(is_superuser=True)

    is_superuser: StrictBool


class UserRead(ReadSchema):
    """A user."""

    id: int
    name: str
    username: str
    email: Annotated[
        str | None, Field(description="Null unless the caller is this user or a superuser.")
    ]
    profile_image_url: str | None
    tier_id: int | None


class UserRemoved(Message):
    """Which account is gone for good."""

    id: int
    username: str


class UserId(ReadSchema):
    """Only the id of a user."""

    id: int


class Account(UserRead):
    """What a login needs of a user: never an answer."""

    is_superuser: bool
    hashed_password: str | None
    version: int


class UserQuery(ListQuery):
    """The list of users. Only superusers sort or filter by e-mail."""

    sort: Literal[
        "id", "-id", "username", "-username", "created_at", "-created_at", "email", "-email"
    ] = "id"
    username: Username | None = None
    tier_id: RowId | None = None
    email: Annotated[CleanText | None, Field(max_length=MAX_EMAIL)] = None


def as_seen_by(caller: Principal | None, user: UserRead) -> UserRead:
    """The user, without the e-mail unless it is the caller's own or a superuser looks."""
    if caller is None or not (caller.is_superuser or caller.user_id == user.id):
        user.email = None
    return user
