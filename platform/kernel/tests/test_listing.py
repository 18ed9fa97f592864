"""What a list refuses to be sorted by, when the application is built."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
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
    """A row whose key no cursor can hold."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


class BookQuery(ListQuery):
    """By what a cursor can hold."""

    sort: Literal["id", "-id", "title", "bound_at"] = "id"


def sorted_by(name: str) -> type[ListQuery]:
    class Query(ListQuery):
        sort: Literal["id", name] = "id"  # type: ignore[valid-type]

    return Query


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "printed_on",
            r"book.printed_on is of type Date\(\): a cursor can hold whole numbers, text",
        ),
        ("-weight", "book.weight is of type Float"),
        ("is_lent", "book.is_lent is of type Boolean"),
        ("-extra", "book.extra is of type JSON"),
        ("subtitle", "book.subtitle may be null"),
        ("author", "Book has no column author to sort or filter by"),
    ],
)
def test_a_list_refuses_to_be_sorted_by_what_no_cursor_can_hold(name: str, told: str) -> None:
    with pytest.raises(ListingError, match=told):
        Listing(Book, BaseModel, sorted_by(name))


def test_a_list_needs_a_key_that_a_cursor_can_hold() -> None:
    with pytest.raises(ListingError, match=r"leaf.id is of type Uuid"):
        Listing(Leaf, BaseModel, ListQuery)


def test_whole_numbers_text_and_moments_are_sorted_by() -> None:
    Listing(Book, BaseModel, BookQuery)
