"""A table of all columns that may be long, served by the site; and rows of the greatest lengths."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
from pydantic import MISSING, Field
from sqladmin import ModelView
from sqlalchemy import ARRAY, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column
from starlette.routing import Mount

from features.admin.declared import views_of
from features.admin.lengths import MAX_PAGE
from features.admin.pages.serving import Site
from kernel.app import Application
from kernel.resources import Resources
from kernel.schemas import Base64, CleanText, InputSchema, RowId
from tests.column_types.samples import Apart
from tests.column_types.serving import serving

LONGEST = 63_206  # characters
# In a page: five bytes each, six of JSON, four, and what a form's text loses none of.
TEXTS = ['"', "'", "😀", "<&>\r\n"]
LONG = ["title", "text", "note", "facts", "words", "content"]
LongText = Annotated[CleanText, Field(min_length=1, max_length=LONGEST)]


class Author(Apart, table=True):
    """A table to choose from."""

    __tablename__ = "admin_author"

    id: int | None = Column(default=None, primary_key=True)
    name: str


class Scroll(Apart, table=True):
    """A table of all columns that may be long."""

    __tablename__ = "admin_scroll"

    id: int | None = Column(default=None, primary_key=True)
    title: str
    text: str = Column(sa_type=Text)
    note: str | None = Column(default=None, sa_type=Text)
    facts: dict[str, Any] = Column(sa_type=JSONB)
    words: list[str] = Column(sa_type=ARRAY(String))
    content: bytes = b""
    author_id: int | None = Column(default=None, foreign_key="admin_author.id")
    other_id: int | None = Column(default=None, foreign_key="admin_author.id")


class Key(Apart, table=True):
    """A table whose keys are long."""

    __tablename__ = "admin_key"

    id: str = Column(primary_key=True)


class ScrollUpdate(InputSchema):
    """What the form of a row may say."""

    title: LongText
    text: LongText | MISSING = MISSING
    note: LongText | MISSING | None = MISSING
    facts: dict[str, Any] | MISSING = MISSING
    words: list[CleanText] | MISSING = MISSING
    content: Base64 | MISSING = MISSING
    author_id: RowId | MISSING | None = MISSING
    other_id: RowId | MISSING | None = MISSING


class AuthorAdmin(ModelView, model=Author):
    """Its view."""

    column_list = ("id", "name")
    column_searchable_list = ("name",)
    column_formatters_detail = {"name": lambda row, _: f"Of {row.name[:3]}"}  # noqa: RUF012


class ScrollAdmin(ModelView, model=Scroll):
    """Its view: all columns everywhere."""

    column_list = ("id", *ScrollUpdate.model_fields)
    column_searchable_list = ("title",)
    column_sortable_list = column_list
    form_columns = tuple(ScrollUpdate.model_fields)
    create_schema = update_schema = ScrollUpdate


class KeyAdmin(ModelView, model=Key):
    """Its view."""

    column_list = ("id",)


@asynccontextmanager
async def serving_scrolls(setting_values: Mapping[str, str]) -> AsyncIterator[Application]:
    """An application with these views under /long."""
    async with serving(setting_values, [], Apart.metadata) as (app, _):
        serve_scrolls(app)
        yield app


def serve_scrolls(app: Application) -> None:
    """Serve these views under /long."""
    site = Site(views_of({"scrolls": [AuthorAdmin, ScrollAdmin, KeyAdmin]}))
    app.router.routes.append(Mount("/long", app=site))


async def add(rows: Resources, text: str, /, **values: Any) -> int:
    """A row all of whose columns are that long."""
    given: dict[str, Any] = {
        "title": text,
        "text": text,
        "note": text,
        "facts": {text: [text]},
        "words": [text, *text[:10_000]],
        "content": text.encode(),
        **values,
    }
    scroll = Scroll(**given)
    async with rows.unit() as db:
        db.add(scroll)
        await db.flush()
        assert scroll.id is not None
        return scroll.id


async def stored(rows: Resources, row: int) -> dict[str, Any]:
    """What the row holds."""
    async with rows.unit() as db:
        return (await db.get_one(Scroll, row)).model_dump()


def longest(character: str) -> str:
    """A text of the greatest length."""
    return (character * LONGEST)[:LONGEST]


def bounded(*pages: httpx2.Response) -> None:
    """Raise AssertionError for what is over a page's bound."""
    sizes = {f"{page.request.method} {page.url.path}": len(page.content) for page in pages}
    assert max(sizes.values()) <= MAX_PAGE, sizes
