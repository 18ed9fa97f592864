"""What lists are filtered and sorted by: ranges, members, text, nothing, several columns."""

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from fastcrud import FastCRUD
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Index, MetaData
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from infra.local import databases
from kernel.db.cursors import ListingError
from kernel.db.filters import Search
from kernel.db.listing import Listing
from kernel.db.pagination import ListQuery
from kernel.db.sorting import SortBy
from kernel.errors import UnprocessableEntityException
from kernel.resources import Resources

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("id", "status", "amount", "paid_at", "weight")


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Status(StrEnum):
    """In another order than the alphabet's."""

    DRAFT = "draft"
    SENT = "sent"
    PAID = "a paid one"


class Bill(Apart, table=True):
    """A row with a column of nulls, and with values that many rows share."""

    __table_args__ = (
        Index(
            "ix_bill_note", "note", postgresql_using="gin", postgresql_ops={"note": "gin_trgm_ops"}
        ),
    )

    id: int = Column(primary_key=True)
    status: Status
    amount: Decimal = Column(max_digits=12, decimal_places=2)
    paid_at: datetime | None = None
    weight: float
    note: str


class BillRead(BaseModel):
    """A bill's number."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class BillQuery(ListQuery):
    """All ways to filter and to sort."""

    sort: Annotated[str, SortBy(*COLUMNS)] = "id"
    status: list[Status] = Field([])
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    paid_at_from: datetime | None = None
    paid_at_to: datetime | None = None
    paid_at_null: bool | None = None
    q: Annotated[str | None, Search("note")] = None


@pytest.fixture
async def own(resources: Resources, owner_url: str) -> AsyncIterator[Resources]:
    """Twelve bills: three statuses, four amounts, every third unpaid."""
    await databases.execute(owner_url, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
        for number in range(12):
            unit.add(
                Bill(
                    id=number,
                    status=list(Status)[number % 3],
                    amount=Decimal(number % 4) / 2,
                    paid_at=None
                    if number % 3 == 1
                    else START + timedelta(microseconds=number // 2),
                    weight=float("nan") if number == 5 else number % 5 / 3,
                    note=f"No. {number}: 100%_Ünit\\s" if number % 2 else "Öl and 100 units",
                )
            )
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))


listing = Listing(FastCRUD(Bill), BillRead, BillQuery)


async def ids(own: Resources, **values: Any) -> list[int]:
    async with own.unit() as unit:
        page = await listing.page(unit, BillQuery(items_per_page=100, **values))
    return [bill.id for bill in page.data]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"status": ["draft"]}, [0, 3, 6, 9]),
        ({"status": ["draft", "a paid one"]}, [0, 2, 3, 5, 6, 8, 9, 11]),
        ({"status": []}, list(range(12))),
        ({"amount_min": "0.5", "amount_max": "1"}, [1, 2, 5, 6, 9, 10]),
        ({"paid_at_from": START + timedelta(microseconds=3)}, [6, 8, 9, 11]),
        ({"paid_at_to": START}, [0]),
        ({"paid_at_null": True}, [1, 4, 7, 10]),
        ({"paid_at_null": False, "status": ["draft"]}, [0, 3, 6, 9]),
        ({"q": "100%_"}, [1, 3, 5, 7, 9, 11]),
        ({"q": "ÖL"}, [0, 2, 4, 6, 8, 10]),
        ({"q": "\\S"}, [1, 3, 5, 7, 9, 11]),
        ({"q": "0 unit"}, [0, 2, 4, 6, 8, 10]),
    ],
)
async def test_a_filter_is_named_after_its_column_and_what_it_does(
    own: Resources, values: dict[str, Any], found: list[int]
) -> None:
    assert await ids(own, **values) == found
    assert await ids(own, **values, cursor="") == found


SORTS = [
    ",".join(f"{sign}{name}" for sign, name in zip(signs, names, strict=True))
    for names in [("paid_at",), ("weight",), ("status", "paid_at"), ("paid_at", "amount", "id")]
    for signs in itertools.product(("", "-"), repeat=len(names))
]


@pytest.mark.parametrize("sort", SORTS)
async def test_cursor_pages_hold_every_row_once_in_the_order_of_the_whole_list(
    own: Resources, sort: str
) -> None:
    whole, seen, cursor = await ids(own, sort=sort), [], ""
    async with own.unit() as unit:
        while cursor is not None:
            query = BillQuery(sort=sort, cursor=cursor, items_per_page=2)
            page = json.loads(bytes((await listing.answer(unit, query)).body))
            seen += [row["id"] for row in page["data"]]
            cursor = page["next_cursor"]

    assert seen == whole
    assert sorted(seen) == list(range(12))
    async with own.unit() as unit:
        last = await listing.page(unit, BillQuery(sort=sort, page=6, items_per_page=2))
        past = await listing.page(unit, BillQuery(sort=sort, page=7, items_per_page=2))
    assert [row.id for row in last.data] == whole[-2:]
    assert (past.data, past.model_dump()["total_count"]) == ([], 12)


async def test_an_order_is_the_columns_one_after_the_other_nulls_highest(own: Resources) -> None:
    assert await ids(own, sort="status,-id") == [9, 6, 3, 0, 10, 7, 4, 1, 11, 8, 5, 2]
    assert (await ids(own, sort="paid_at,id"))[-4:] == [1, 4, 7, 10]
    assert (await ids(own, sort="-paid_at,id"))[:4] == [1, 4, 7, 10]
    assert (await ids(own, sort="weight"))[-1] == 5


@pytest.mark.parametrize(
    "values",
    [
        {"sort": "note"},
        {"sort": "id,"},
        {"sort": "id,status,amount,paid_at"},
        {"sort": "--id"},
        {"status": ["lost"]},
        {"amount_from": 1},
        {"paid_at_null": "perhaps"},
    ],
)
def test_what_is_not_declared_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BillQuery(**values)


async def test_a_cursor_is_of_one_order_and_one_filter(own: Resources) -> None:
    async with own.unit() as unit:
        page = await listing.page(unit, BillQuery(sort="-paid_at", cursor="", items_per_page=1))
        cursor = page.model_dump()["next_cursor"]
        for values in ({"sort": "paid_at"}, {"sort": "-paid_at", "status": ["draft"]}):
            with pytest.raises(UnprocessableEntityException):
                await listing.page(unit, BillQuery(cursor=cursor, **values))


def query_with(**fields: Any) -> type[ListQuery]:
    body = {"__annotations__": fields, "__module__": __name__, **dict.fromkeys(fields)}
    made: type[ListQuery] = type("Query", (ListQuery,), body)
    return made


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"lost": int | None}, "Bill has no column lost"),
        ({"lost_from": int | None}, "Bill has no column lost "),
        (
            {"q": Annotated[str | None, Search("status")]},
            r"bill.status is searched without an index",
        ),
        ({"q": Annotated[str | None, Search("lost")]}, "Bill has no column lost"),
    ],
)
def test_a_filter_that_means_no_column_stops_the_start(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ListingError, match=told):
        Listing(FastCRUD(Bill), BillRead, query_with(**fields))


def test_a_small_table_is_searched_without_an_index() -> None:
    Listing(
        FastCRUD(Bill),
        BillRead,
        query_with(q=Annotated[str | None, Search("status", unindexed=True)]),
    )


async def test_a_search_is_served_by_its_index(own: Resources) -> None:
    statement = listing._statements.get("page", "id", ["q"], ())
    sql, _ = statement.sql
    async with own.unit() as unit:
        connection = await unit.asyncpg_connection(write=True)
        await connection.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan"
        )
        plan = await connection.fetch(f"EXPLAIN {sql}", "%abc%", 10, 0)

    assert "ix_bill_note" in "\n".join(row[0] for row in plan)


def test_the_document_says_what_sort_takes() -> None:
    properties = BillQuery.model_json_schema()["properties"]

    assert properties["sort"]["pattern"].startswith("^-?(id|status|amount|paid_at|weight)")
    assert properties["status"]["items"] == {"$ref": "#/$defs/Status"}


def test_one_column_at_a_time_stays_a_literal() -> None:
    class Query(ListQuery):
        sort: Literal["id", "-id"] = "id"

    assert Query.model_json_schema()["properties"]["sort"]["enum"] == ["id", "-id"]


@pytest.mark.parametrize("number", ["0.5", "5", "1700000000", "-1", " 3 "])
def test_a_number_is_no_moment(number: str) -> None:
    assert BillQuery(paid_at_to="2026-01-01T00:00:00Z", amount_min=number)
    with pytest.raises(ValidationError, match="should be a valid datetime"):
        BillQuery(paid_at_to=number)
