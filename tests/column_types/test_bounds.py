"""A bound that stands in a type holds the column, wherever the type stands; so does a URL's."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field as Bound
from pydantic import StringConstraints
from sqlalchemy import CheckConstraint, Column, MetaData, Numeric, Text
from sqlalchemy.dialects import postgresql
from sqlmodel import Field

from kernel.db import UUIDKey
from kernel.schemas import url_of

Short = Annotated[str, Bound(max_length=30)]
Price = Annotated[Decimal, Bound(max_digits=8, decimal_places=2)]


class Bounded(UUIDKey, table=True):
    """A row whose bounds stand where SQLModel alone doesn't look."""

    metadata = MetaData()

    optional: Short | None = None
    of_two: Annotated[Short, Bound(max_length=20)] | None = None
    strict: str = Bound(strict=True, max_length=30)
    by_constraints: Annotated[str, StringConstraints(max_length=30)]
    price: Price | None = None
    strict_price: Decimal = Bound(strict=True, max_digits=8, decimal_places=2)
    link: Annotated[str, url_of("https")] | None = None
    short_link: Annotated[Short, url_of("https")]
    chosen: Short | None = Field(default=None, sa_type=Text)
    chosen_number: Price | None = Field(default=None, sa_type=Numeric)
    chosen_column: Price | None = Field(default=None, sa_column=Column(Numeric(asdecimal=False)))


TABLE: Any = Bounded.__table__  # type: ignore[attr-defined]


def test_a_bound_holds_its_column_unless_the_column_is_chosen() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    kinds = {column.name: column.type.compile(dialect) for column in TABLE.columns}

    assert kinds == {
        "id": "UUID",
        "optional": "VARCHAR(30)",
        "of_two": "VARCHAR(20)",
        "strict": "VARCHAR(30)",
        "by_constraints": "VARCHAR(30)",
        "price": "NUMERIC(8, 2)",
        "strict_price": "NUMERIC(8, 2)",
        "link": "VARCHAR(2048)",
        "short_link": "VARCHAR(30)",
        "chosen": "TEXT",
        "chosen_number": "NUMERIC",
        "chosen_column": "NUMERIC",
    }


def test_a_column_of_urls_is_checked_by_the_database() -> None:
    checks = {one.name for one in TABLE.constraints if isinstance(one, CheckConstraint)}

    assert checks == {"link", "short_link"}
