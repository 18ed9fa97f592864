"""What a list refuses to be sorted by, when the application is built."""

from datetime import date, datetime
from typing import Any, Literal

import pytest
from fastcrud import FastCRUD
from pydantic import BaseModel
from sqlalchemy import JSON, MetaData
from sqlmodel import Field, SQLModel

from kernel.db.cursors import ListingError
from kernel.db.listing import Listing
from kernel.db.pagination import ListQuery


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Book(Apart, table=True):
    """A row of every kind of value."""

    id: int = Field(primary_key=True)
    title: str
    subtitle: str | None
    printed_on: date
    bound_at: datetime
    weight: float
    is_lent: bool
    extra: Any = Field(sa_type=JSON, nullable=False)


class Leaf(Apart, table=True):
    """A row whose key has two columns."""

    book_id: int = Field(primary_key=True)
    number: int = Field(primary_key=True)


class BookQuery(ListQuery):
    """By what a cursor can hold."""

    sort: Literal["id", "title", "subtitle", "bound_at", "printed_on", "weight", "is_lent"] = "id"


def sorted_by(name: str) -> type[ListQuery]:
    class Query(ListQuery):
        sort: Literal["id", name] = "id"  # type: ignore[valid-type]

    return Query


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("-extra", "book.extra is of type JSON.*: a cursor can hold int, str, bool, float"),
        ("author", "Book has no column author to sort or filter by"),
    ],
)
def test_a_list_refuses_to_be_sorted_by_what_no_cursor_can_hold(name: str, told: str) -> None:
    with pytest.raises(ListingError, match=told):
        Listing(FastCRUD(Book), BaseModel, sorted_by(name))


def test_a_list_needs_a_key_of_one_column() -> None:
    with pytest.raises(ListingError, match="primary key has several columns"):
        Listing(FastCRUD(Leaf), BaseModel, ListQuery)


def test_a_field_that_no_column_gives_is_refused() -> None:
    class WithAuthor(BaseModel):
        title: str
        author: str

    with pytest.raises(ListingError, match=r"WithAuthor\.author is no column of Book"):
        Listing(FastCRUD(Book), WithAuthor, ListQuery)


def test_what_a_cursor_can_hold_is_sorted_by() -> None:
    Listing(FastCRUD(Book), BaseModel, BookQuery)
