"""A list's JSON is what the response model makes of its rows, and every kind of key pages."""

import enum
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastcrud import FastCRUD
from hypothesis import given
from hypothesis.strategies import booleans, dates, datetimes, integers, just, text, uuids
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    computed_field,
    create_model,
    field_serializer,
    model_serializer,
)
from sqlalchemy import Enum, MetaData, Numeric, bindparam, delete
from sqlmodel import Field as ColumnField
from sqlmodel import SQLModel, col

from kernel.db.listing import Listing
from kernel.db.pagination import ListQuery
from kernel.db.plain_rows import is_plain, page_json
from kernel.errors import UnprocessableEntityException
from kernel.resources import Resources
from kernel.schemas import ReadSchema


class Colour(enum.Enum):
    """Whose names aren't its values."""

    RED = "r"
    BLUE = "b"


class Size(enum.IntEnum):
    """A number with a name."""

    SMALL = 1


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Ware(Apart, table=True):
    """A row of every kind of value."""

    __tablename__ = "listed_ware"

    id: UUID = ColumnField(primary_key=True)
    name: str
    note: str | None = None
    secret: str = "hush"
    number: int = 7
    size: int = 1
    weight: float = 1.5
    price: Decimal = ColumnField(default=Decimal("1.50"), sa_type=Numeric(9, 2))
    rate: float = ColumnField(default=0.5, sa_type=Numeric(9, 2, asdecimal=False))
    colour: Colour = ColumnField(default=Colour.BLUE, sa_type=Enum(Colour, native_enum=False))
    is_new: bool = True
    made_on: date = date(2026, 1, 2)
    lasts: timedelta = timedelta(days=1, microseconds=1)
    made_at: datetime = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


class WareQuery(ListQuery):
    """By every kind of column."""

    sort: Literal[
        "id", "-id", "name", "price", "-price", "lasts", "made_on", "is_new", "-is_new", "made_at"
    ] = "id"
    price: Decimal | None = None
    lasts: timedelta | None = None
    made_on: date | None = None
    made_at: AwareDatetime | None = None
    is_new: bool | None = None


class Serialised(ReadSchema):
    name: str

    @field_serializer("name")
    def shout(self, name: str) -> str:
        return name.upper()


class Computed(ReadSchema):
    number: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.number


class Wrapped(ReadSchema):
    number: int

    @model_serializer
    def wrap(self) -> dict[str, int]:
        return {"wrapped": self.number}


class NameQuery(ListQuery):
    sort: Literal["id", "name", "-name"] = "id"


class Shortened(ReadSchema):
    id: UUID
    name: str
    truncated: bool


class Stripped(ReadSchema):
    model_config = ConfigDict(str_to_upper=True)

    name: str


def reading(**fields: Any) -> type[BaseModel]:
    return create_model("Shown", __base__=ReadSchema, **fields)


PLAIN = reading(
    id=(UUID, ...),
    name=(Annotated[str, Field(description="What it is called.")], ...),
    note=(str | None, None),
    number=(int, ...),
    is_new=(bool, ...),
    made_on=(date, ...),
    made_at=(datetime, ...),
)
MADE: dict[str, type[BaseModel]] = {
    "secret": reading(secret=(SecretStr, ...)),
    "excluded": reading(name=(str, ...), secret=(Annotated[str, Field(exclude=True)], ...)),
    "alias": reading(name=(Annotated[str, Field(alias="wareName")], ...)),
    "serialisation alias": reading(name=(Annotated[str, Field(serialization_alias="n")], ...)),
    "validation alias": reading(name=(Annotated[str, Field(validation_alias="n")], ...)),
    "field serializer": Serialised,
    "computed field": Computed,
    "model serializer": Wrapped,
    "configuration": Stripped,
    "enum": reading(colour=(Colour, ...)),
    "whole enum": reading(size=(Size, ...)),
    "float": reading(weight=(float, ...), rate=(float, ...)),
    "decimal": reading(price=(Decimal, ...)),
    "decimal as float": reading(price=(float, ...)),
    "timedelta": reading(lasts=(timedelta, ...)),
    "validator": reading(name=(Annotated[str, AfterValidator(str.title)], ...)),
    "no column": reading(name=(str, ...), stars=(int, 5)),
    "anything": reading(number=(Any, ...)),
    "day": reading(made_at=(AwareDatetime, ...)),
}


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    """Six wares; of equal values, so that only their keys tell them apart."""
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
        weights = [1.5, float("inf"), float("-inf"), float("nan"), 0.1, 1e300]
        for number, weight in enumerate(weights):
            price = Decimal("0.1") * (number // 2)
            unit.add(Ware(id=UUID(int=number), name='a "ware" é', weight=weight, price=price))
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))


@pytest.mark.parametrize("read", [PLAIN, *MADE.values()], ids=["plain", *MADE])
@pytest.mark.parametrize("cursor", [None, ""])
async def test_a_lists_json_is_what_the_response_model_makes_of_its_rows(
    own: Resources, read: type[BaseModel], cursor: str | None
) -> None:
    listing = Listing(FastCRUD(Ware), read, WareQuery)
    async with own.unit() as unit:
        answer = await listing.answer(unit, WareQuery(cursor=cursor))
        rows = [await unit.get(Ware, UUID(int=number)) for number in range(6)]

    expected = [
        json.loads(
            read.model_validate(
                {name: getattr(row, name) for name in read.model_fields if hasattr(row, name)},
                by_name=True,
            ).model_dump_json(by_alias=True)
        )
        for row in rows
    ]
    assert json.loads(bytes(answer.body))["data"] == expected


def test_only_plain_models_go_without_their_model() -> None:
    columns: Any = Ware.__table__.columns  # type: ignore[attr-defined]

    def plain(read: type[BaseModel]) -> bool:
        return is_plain(read, {n: columns[n] for n in read.model_fields if n in columns})

    assert plain(PLAIN)
    assert [name for name, read in MADE.items() if plain(read)] == []
    assert not plain(reading(note=(str, ...)))  # the column may be null
    assert not plain(reading(number=(str, ...)))


@given(
    number=integers(-(2**63), 2**63 - 1),
    name=text(),
    is_new=booleans(),
    made_at=datetimes(timezones=just(UTC)),
    made_on=dates(),
    id=uuids(),
)
def test_a_plain_row_is_written_as_its_model_writes_it(**values: Any) -> None:
    fields: dict[str, Any] = {name: (type(value), ...) for name, value in values.items()}
    model = create_model("Row", **fields)

    assert page_json(values) == model(**values).model_dump_json().encode()


@pytest.mark.parametrize("sort", WareQuery.model_fields["sort"].annotation.__args__)  # type: ignore[union-attr]
async def test_every_kind_of_column_pages(own: Resources, sort: str) -> None:
    listing = Listing(FastCRUD(Ware), reading(id=(UUID, ...)), WareQuery)
    seen: list[str] = []
    cursor: str | None = ""
    async with own.unit() as unit:
        whole = await listing.page(unit, WareQuery(sort=sort))
        while cursor is not None:
            query = WareQuery(sort=sort, cursor=cursor, items_per_page=2)
            page = json.loads(bytes((await listing.answer(unit, query)).body))
            seen += [row["id"] for row in page["data"]]
            cursor = page["next_cursor"]

    assert seen == [str(row.id) for row in whole.data]  # type: ignore[attr-defined]
    assert len(set(seen)) == 6


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"price": Decimal("0.1")}, 2),
        ({"lasts": timedelta(days=1, microseconds=1)}, 6),
        ({"made_on": date(2026, 1, 2)}, 6),
        ({"made_at": datetime(2026, 1, 2, 3, 4, 5, 6, UTC)}, 6),
        ({"is_new": False}, 0),
    ],
)
async def test_every_kind_of_filter_pages(
    own: Resources, values: dict[str, Any], found: int
) -> None:
    listing = Listing(FastCRUD(Ware), reading(id=(UUID, ...)), WareQuery, scope=["number"])
    async with own.unit() as unit:
        page = await listing.page(unit, WareQuery(**values), number=7)
        first = await listing.page(unit, WareQuery(**values, cursor="", items_per_page=1), number=7)
        cursor: str = first.model_dump()["next_cursor"] or ""
        rest = await listing.page(unit, WareQuery(**values, cursor=cursor), number=7)
        if cursor:
            with pytest.raises(UnprocessableEntityException):
                await listing.page(unit, WareQuery(**values, cursor=cursor), number=8)

    assert len(page.data) == found
    assert len(rest.data) == max(0, found - 1)


@pytest.mark.parametrize(("sort", "order"), [("name", [1, 2, 0]), ("-name", [0, 2, 1])])
@pytest.mark.parametrize("by_page", [True, False])
async def test_what_is_shown_shortened_is_sorted_by_its_whole_text(
    own: Resources, sort: Any, order: list[int], by_page: bool
) -> None:
    listing = Listing(FastCRUD(Ware), Shortened, NameQuery, shorten={"name": 2})
    async with own.unit() as unit:
        await unit.execute(delete(Ware))
        names = enumerate(["aac", "aaa", "aab"])
        unit.add_all([Ware(id=UUID(int=number), name=name) for number, name in names])
    seen: list[int] = []
    cursor: str | None = ""
    async with own.unit() as unit:
        for number in range(3):
            at: Any = {"page": number + 1} if by_page else {"cursor": cursor}
            page = await listing.page(unit, NameQuery(sort=sort, items_per_page=1, **at))
            [row] = page.data
            assert (row.name, row.truncated) == ("aa", True)
            seen.append(row.id.int)
            cursor = page.model_dump().get("next_cursor")

    assert seen == order


async def test_sql_may_give_what_no_column_does(own: Resources) -> None:
    listing = Listing(
        FastCRUD(Ware),
        reading(id=(UUID, ...), mine=(bool, ...)),
        WareQuery,
        expressions={"mine": col(Ware.id) == bindparam("my_id")},
    )
    async with own.unit() as unit:
        page = await listing.answer(unit, WareQuery(), my_id=UUID(int=2))

    assert [row["mine"] for row in json.loads(bytes(page.body))["data"]] == [
        n == 2 for n in range(6)
    ]
