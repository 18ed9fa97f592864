"""What tables and request bodies bound is bounded in answers, and what isn't has its remedy."""

import sys
from decimal import Decimal
from math import inf
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import MISSING, Field
from sqlalchemy import ARRAY, TEXT, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from infra.checks.declared import Declared, declared_by, size_of
from infra.checks.json_size import text_size
from infra.checks.sizes import of_type
from kernel.schemas import Base64, CleanText, InputSchema, JsonNumber, ReadSchema
from tests.test_size_check import Mood, Titled, Whole

Title = Annotated[CleanText, Field(min_length=1, max_length=50)]
Text = Annotated[CleanText, Field(max_length=1000)]
Price = Annotated[Decimal, Field(max_digits=10, decimal_places=2)]
Words = Annotated[list[Title], Field(max_length=20)]


class Line(SQLModel, table=True):
    """What an order has many of."""

    metadata = MetaData()
    id: int = Column(primary_key=True)
    title: Title
    price: Price
    note: Text | None = Column(default=None, sa_type=TEXT)


class Order(SQLModel, table=True):
    """A row with rows of its own."""

    metadata = MetaData()
    id: int = Column(primary_key=True)
    notes: Text = Column(sa_type=TEXT)
    amount: Price
    meta: dict[str, Any] = Column(sa_type=JSONB)
    words: Words = Column(sa_type=ARRAY(TEXT))

    @property
    def lines(self) -> list[Line]:
        """As a relationship would."""
        return []

    @property
    def tags(self) -> list[str]:
        """Names of rows of another table."""
        return []


class LineCreate(InputSchema):
    title: Title
    price: Price


class OrderCreate(InputSchema):
    lines: Annotated[list[LineCreate], Field(max_length=40)]
    tags: Words | MISSING = MISSING


class LineRead(ReadSchema):
    title: str
    price: Decimal
    note: str | None


class OrderRead(ReadSchema):
    id: int
    notes: str
    amount: Decimal
    meta: dict[str, Any]


class OrderDetail(OrderRead):
    lines: list[LineRead]
    words: list[str]
    tags: list[str]


class Loose(ReadSchema):
    """Of no table."""

    lines: list[LineRead]
    prices: list[Decimal]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Declared:
    """As though this module were a feature's."""
    module = ModuleType("features.orders.models")
    classes = (Line, Order, LineCreate, OrderCreate, LineRead, OrderRead, OrderDetail)
    for one in classes:
        monkeypatch.setattr(one, "__module__", module.__name__)
        setattr(module, one.__name__, one)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return declared_by(["orders"])


def test_the_bounds_of_tables_and_request_bodies_hold_for_what_is_read(declared: Declared) -> None:
    sizes = declared.sizes

    assert sizes[LineRead, "title"] == text_size(50)
    assert sizes[LineRead, "price"] == 14
    assert sizes[LineRead, "note"] == text_size(1000)
    assert declared.lengths[OrderDetail, "lines"] == 40
    assert declared.lengths[OrderDetail, "tags"] == declared.lengths[OrderDetail, "words"] == 20
    assert sizes[OrderDetail, "tags"] == 2 + 20 * (1 + text_size(50))
    assert list(of_type("It", OrderDetail, sizes, declared=declared)) == []


def test_what_a_list_has_is_bounded_by_its_rows_only(declared: Declared) -> None:
    many = Annotated[list[OrderRead], Field(max_length=10)]

    [problem] = of_type("It", many, declared.sizes, declared=declared)

    assert "OrderRead.meta has no bound. Take it out of OrderRead" in problem


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (list[Whole], ["Whole.text has no bound. Bound it where it is stored or sent"]),
        (list[LineRead], ["LineRead.price has no bound. Say its digits", "max_digits=12"]),
        (Loose, ["Loose.prices has no bound. Bound it in the request body that fills it"]),
    ],
)
def test_a_remedy_is_of_the_fields_type(answer: Any, words: list[str]) -> None:
    said = "\n".join(of_type("It", answer, {}))

    assert [word for word in words if word not in said] == []
    assert "See docs/gates.md#an-answer-without-a-bound" in said


@pytest.mark.parametrize(
    ("annotation", "size"),
    [
        (Title | None, text_size(50)),
        (Annotated[Base64, Field(max_length=30)], 46),
        (Annotated[Price, JsonNumber], 14),
        (Words | MISSING, 2 + 20 * (1 + text_size(50))),
        (Annotated[list[int], Field(max_length=2)], 44),
        (list[bool], inf),
        (Mood, 6),
        (Titled, inf),
    ],
)
def test_a_bound_behind_a_validator_is_found(annotation: Any, size: float) -> None:
    assert size_of(annotation) == size
