"""The table of API keys and the shapes that requests and answers have."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import MISSING, Field
from sqlalchemy import ARRAY, DateTime, Index, String, text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, Timestamped
from kernel.schemas import CleanText, InputSchema, JsonNumber, ReadSchema, example

MAX_NAME = 50
MAX_PREFIX = 31  # the longest API_KEY_PREFIX, an underscore, and the id
HASH_DIGITS = 64
MAX_SCOPES, MAX_SCOPE = 12, 100

Name = Annotated[CleanText, Field(min_length=1, max_length=MAX_NAME)]
Scope = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_SCOPE,
        pattern=r"^[ -~]+$",
        description=(
            "`*`, a tag of the API, or method and path of a route; `*:read` or a tag with `:read` "
            "for what only reads. `superuser` keeps the rights of a superuser."
        ),
        examples=["posts:read", "GET /api/v1/user/me/"],
    ),
]
Scopes = Annotated[
    list[Scope],
    Field(
        min_length=1,
        max_length=MAX_SCOPES,
        description="What the key may call; all else is refused.",
    ),
]
Days = Annotated[
    int, Field(ge=1, le=36_500, description="How many days it is good for."), JsonNumber
]
Limit = Annotated[
    int,
    Field(ge=1, le=10_000, description="How many calls it may make in a period, of all routes."),
    JsonNumber,
]
Period = Annotated[
    int, Field(ge=1, le=2_678_400, description="The length of a period in seconds."), JsonNumber
]
Prefix = Annotated[CleanText, Field(max_length=MAX_PREFIX)]


def _moment(**options: Any) -> Any:
    return Column(sa_type=DateTime(timezone=True), **options)


class ApiKey(Timestamped, table=True):
    """A key, good until it has expired or is revoked. The key itself is stored nowhere.

    A dead one stays for a while, so that its use is recognised.
    """

    __table_args__: ClassVar[Any] = (
        Index("uq_api_key_prefix", "prefix", unique=True),
        Index("ix_api_key_user_id", "user_id"),
        Index("ix_api_key_expires_at", "expires_at"),
        Index(
            "ix_api_key_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")
        ),
        {
            "info": {
                "small": True,  # few of one user
                "audited": ["user_id", "expires_at", "revoked_at"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    name: str = Column(max_length=MAX_NAME)
    prefix: str = Column(max_length=MAX_PREFIX)
    hashed_key: str = Column(max_length=HASH_DIGITS)
    scopes: list[str] = Column(sa_type=ARRAY(String(MAX_SCOPE)))
    limit: int | None = None
    period: int
    expires_at: datetime = _moment()
    last_used_at: datetime | None = _moment(default=None)
    revoked_at: datetime | None = _moment(default=None)


class ApiKeyCreate(InputSchema):
    """A new key. Without `days` it lasts as long as API_KEY_DAYS says."""

    model_config = example(name="Nightly export", scopes=["users:read"])

    name: Name
    scopes: Scopes
    days: Days | None = None
    limit: Limit | None = None
    period: Period = 3600


class ApiKeyUpdate(InputSchema):
    """The fields to change; what is left out stays as it is. How long it lasts can't be changed."""

    model_config = example(name="Weekly export")

    name: Name | MISSING = MISSING
    scopes: Scopes | MISSING = MISSING
    limit: Limit | MISSING | None = MISSING
    period: Period | MISSING = MISSING


class ApiKeyCreateInternal(SQLModel):
    """What is stored of a new key."""

    user_id: int
    name: str
    prefix: str
    hashed_key: str
    scopes: list[str]
    limit: int | None
    period: int
    expires_at: datetime


class ApiKeyRead(ReadSchema):
    """A key, without what it takes to use it."""

    id: int
    name: str
    prefix: Annotated[str, Field(description="How the key begins.")]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=MAX_SCOPE)]], Field(max_length=MAX_SCOPES)
    ]
    limit: int | None
    period: int
    created_at: datetime
    last_used_at: Annotated[datetime | None, Field(description="To the minute.")]
    expires_at: datetime
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    """A new key, which is shown this once."""

    key: Annotated[str, Field(max_length=128)]


class KeyPrefix(ReadSchema):
    """Which key."""

    id: int
    user_id: int
    prefix: str


class ApiKeyQuery(ListQuery):
    """The list of a user's keys."""

    sort: Literal["id", "-id", "created_at", "-created_at", "expires_at", "-expires_at"] = "id"
    name: Name | None = None
    prefix: Prefix | None = None
