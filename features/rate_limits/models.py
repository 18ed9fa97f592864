"""The table of rules and the shapes that requests and answers have."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import MISSING, AfterValidator, Field, StringConstraints
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, Timestamped, unique
from kernel.rate_limit import sanitise
from kernel.schemas import CleanText, InputSchema, JsonNumber, ReadSchema, example

NAME_TAKEN = "Rate Limit Name not available"
TOO_MANY = "A tier has at most 300 rate limits"
PATH_TAKEN = "There is already a rate limit for this path"

MAX_RULES = 300  # of a tier: they are read and shown all at once
MAX_PATH = 200
MAX_NAME = 250  # longer than a default name can be


def _stored(path: str) -> str:
    sanitised = sanitise(path)
    if not sanitised:
        raise ValueError("must name a path")
    return sanitised


# Printable ASCII without spaces: what templates are made of, and what the limiter's list of
# `path limit period` lines can hold.
Path = Annotated[
    str,
    Field(
        pattern=r"^[!-~]*[!-.0-~][!-~]*$",
        max_length=MAX_PATH,
        description="A path, or the template of a route; stored as `api_v1_tasks_task`.",
        examples=["api/v1/tasks/task", "api/v1/user/{username}"],
    ),
    AfterValidator(_stored),
]
Limit = Annotated[
    int, Field(ge=1, le=10_000, description="How many calls are accepted in a period."), JsonNumber
]
Period = Annotated[
    int, Field(ge=1, le=2_678_400, description="The length of a period in seconds."), JsonNumber
]
Name = Annotated[CleanText, StringConstraints(min_length=1, max_length=MAX_NAME)]


class RateLimitBase(SQLModel):
    """What a rule says."""

    path: Path
    limit: Limit
    period: Period


class RateLimit(RateLimitBase, Timestamped, table=True):
    """At most `limit` accepted calls of a path in any stretch of `period` seconds."""

    # PostgreSQL reports the violation of the index that was made first.
    __table_args__: ClassVar[Any] = (
        unique("uq_rate_limit_name", "tier_id", "name", answer=NAME_TAKEN),
        unique("uq_rate_limit_path", "tier_id", "path", answer=PATH_TAKEN),
        {
            "info": {
                "small": True,  # at most as many of one tier as there are routes
                "audited": ["tier_id", "name", "path", "limit", "period"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    tier_id: int = Column(foreign_key="tier.id", ondelete="CASCADE")
    name: str = Column(max_length=MAX_NAME)


class RateLimitCreate(InputSchema, RateLimitBase):
    """A new rate limit."""

    model_config = example(path="api/v1/tasks/task", limit=10, period=3600)

    name: Annotated[Name | None, Field(description="By default `{path}:{limit}:{period}`.")] = None

    @property
    def effective_name(self) -> str:
        """The name given, else `{path}:{limit}:{period}`."""
        return self.name or f"{self.path}:{self.limit}:{self.period}"


class RateLimitUpdate(InputSchema):
    """The fields to change; what is left out stays as it is."""

    model_config = example(limit=100)

    path: Path | MISSING = MISSING
    limit: Limit | MISSING = MISSING
    period: Period | MISSING = MISSING
    name: Name | MISSING = MISSING


class RateLimitRead(ReadSchema):
    """A rate limit: `limit` calls of `path` are accepted in any `period` seconds."""

    id: int
    tier_id: int
    path: str
    limit: int
    period: int
    name: str


class RateLimitQuery(ListQuery):
    """The list of a tier's rules."""

    sort: Literal[
        "id", "-id", "name", "-name", "path", "-path", "limit", "-limit", "period", "-period"
    ] = "id"
    path: Path | None = None
    name: Annotated[CleanText | None, Field(max_length=MAX_NAME)] = None
