"""The table of posts and the shapes that requests and answers have."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AnyUrl, Field, StringConstraints, TypeAdapter, UrlConstraints
from sqlalchemy import Index, Text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, SoftDeleted, Timestamped
from kernel.schemas import CleanText, InputSchema, ReadSchema, example, may_be_absent

MAX_TITLE = 30
MAX_TEXT = 63_206
MAX_URL = 2048

_media_url: TypeAdapter[AnyUrl] = TypeAdapter(
    Annotated[AnyUrl, UrlConstraints(allowed_schemes=["http", "https", "ftp"], host_required=True)]
)


class Post(Timestamped, SoftDeleted, table=True):
    """What a user published; gone for good with the user."""

    __tablename__ = "post"
    __table_args__: ClassVar[Any] = (
        # A user's list by id and by moment. The first serves the user's removal, too, which takes
        # soft-deleted posts with it.
        Index("ix_post_author", "created_by_user_id", "id"),
        Index(
            "ix_post_author_created",
            "created_by_user_id",
            "created_at",
            "id",
            postgresql_where=SoftDeleted.LIVE,
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    created_by_user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    title: str = Column(max_length=MAX_TITLE)
    text: str = Column(sa_type=Text)
    media_url: str | None = Column(default=None, max_length=MAX_URL)


def _media_address(url: str) -> str:
    _media_url.validate_python(url)
    return url


Title = Annotated[CleanText, StringConstraints(min_length=2, max_length=MAX_TITLE)]
Body = Annotated[CleanText, StringConstraints(min_length=1, max_length=MAX_TEXT)]
MediaAddress = Annotated[
    CleanText,
    Field(
        max_length=MAX_URL,
        description="An http, https or ftp URL.",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_media_address),
]


class PostCreate(InputSchema):
    """A new post."""

    model_config = example(title="On engines", text="It weaves algebraic patterns.")

    title: Title
    text: Body
    media_url: MediaAddress | None = None


class PostCreateInternal(SQLModel):
    """What is stored of a new post."""

    created_by_user_id: int
    title: str
    text: str
    media_url: str | None = None


class PostUpdate(InputSchema):
    """The fields to change; what is left out stays as it is."""

    model_config = example(title="On analytical engines")

    title: Title = may_be_absent()
    text: Body = may_be_absent()
    media_url: MediaAddress | None = None


class PostUpdateInternal(SQLModel):
    """What is stored of a change."""

    title: str | None = None
    text: str | None = None
    media_url: str | None = None


class PostDelete(SQLModel):
    """Nothing is given to delete a post."""


class PostRead(ReadSchema):
    """A post."""

    id: int
    title: str
    text: str
    media_url: str | None
    created_by_user_id: int
    created_at: datetime


class PostQuery(ListQuery):
    """The list of a user's posts."""

    sort: Literal["id", "-id", "created_at", "-created_at", "title", "-title"] = "id"
    title: Annotated[CleanText | None, Field(max_length=MAX_TITLE)] = None
