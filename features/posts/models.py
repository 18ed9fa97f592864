"""The table of posts, what its rows allow, and the shapes of requests and answers."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from fastcrud import PolicyConfig
from pydantic import MISSING, AwareDatetime, Field
from sqlalchemy import Index, false
from sqlalchemy import Text as LongText
from sqlmodel import Field as Column
from sqlmodel import SQLModel, col

from kernel.db import ListQuery, SoftDeleted, Timestamped
from kernel.schemas import CleanText, InputSchema, ReadSchema, example, url_of

MAX_TITLE = 30
AUTHOR = "created_by_user_id"
LIVE = SoftDeleted.LIVE

Title = Annotated[CleanText, Field(min_length=2, max_length=MAX_TITLE)]
Text = Annotated[CleanText, Field(min_length=1, max_length=63_206)]
MediaUrl = Annotated[CleanText, url_of("http", "https", "ftp")]


class PostBase(SQLModel):
    """What an author writes."""

    title: Title
    text: Text = Column(sa_type=LongText)
    media_url: MediaUrl | None = None


class Post(PostBase, Timestamped, SoftDeleted, table=True):
    """What a user published; gone for good with the user."""

    __table_args__: ClassVar[Any] = (
        # A user's list by id and by moment. The first serves the user's removal, too, which takes
        # soft-deleted posts with it.
        Index("ix_post_author", AUTHOR, "id"),
        Index("ix_post_author_created", AUTHOR, "created_at", "id", postgresql_where=LIVE),
        Index("ix_post_author_title", AUTHOR, "title", "id", postgresql_where=LIVE),
        {"info": {"counted_by": [AUTHOR], "audited": [AUTHOR, "is_deleted", "deleted_at"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    created_by_user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")


POLICY = PolicyConfig(
    read=col(Post.is_deleted) == false(),
    create=True,
    update=True,
    delete=True,
    hidden_columns=frozenset({"is_deleted", "deleted_at"}),
    read_only_columns=frozenset({"id", "created_by_user_id", "created_at", "updated_at"}),
)


class PostCreate(InputSchema, PostBase):
    """A new post."""

    model_config = example(title="On engines", text="It weaves algebraic patterns.")


class PostUpdate(InputSchema):
    """The fields to change; what is left out stays as it is."""

    model_config = example(title="On analytical engines")

    title: Title | MISSING = MISSING
    text: Text | MISSING = MISSING
    media_url: MediaUrl | MISSING | None = MISSING


class PostRead(ReadSchema):
    """A post."""

    id: int
    title: str
    text: str
    media_url: str | None
    created_by_user_id: int
    created_at: datetime


class PostListed(PostRead):
    """A post in a list: its text is cut to 1,000 characters."""

    truncated: bool


class PostQuery(ListQuery):
    """The list of a user's posts."""

    sort: Literal["id", "-id", "created_at", "-created_at", "title", "-title"] = "id"
    title: Annotated[CleanText | None, Field(max_length=MAX_TITLE)] = None
    created_at_from: AwareDatetime | None = None
    created_at_to: AwareDatetime | None = None
