"""The gate for what writes answer finds a value that the next read shows otherwise."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from pydantic import Field

from kernel.app import Application
from kernel.schemas import InputSchema, PathId, ReadSchema, example
from kernel.web import Access, access
from tests.application import route_of, running
from tests.callers import People
from tests.gates.test_written_as_read import differing, pairs

router = APIRouter()
prices: dict[int, Decimal] = {}


class PriceCreate(InputSchema):
    model_config = example(price="12.50")

    price: Annotated[Decimal, Field(decimal_places=2)]


class PriceRead(ReadSchema):
    id: int
    price: Decimal


@router.post("/planted", status_code=201)
@access(Access.PUBLIC)
async def write_planted(values: PriceCreate) -> PriceRead:
    """Answers the price as it was sent."""
    prices[1] = round(values.price, 2)
    return PriceRead(id=1, price=values.price)


@router.get("/planted/{id}")
@access(Access.PUBLIC)
async def read_planted(id: PathId) -> PriceRead:
    """The price as it is stored."""
    return PriceRead(id=id, price=prices[id])


@router.put("/planted/{id}")
@access(Access.PUBLIC)
async def put_planted(id: PathId, values: PriceCreate) -> PriceRead:
    """Answers the price as it is stored."""
    prices[id] = round(values.price, 2)
    return PriceRead(id=id, price=prices[id])


@router.post("/planted/{id}/raise")
@access(Access.PUBLIC)
async def raise_planted(id: PathId) -> PriceRead:
    """Answers what it doesn't store."""
    return PriceRead(id=id, price=prices[id] + 1)


NAMES = ("write_planted", "read_planted", "put_planted", "raise_planted")


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    prices[1] = Decimal("1.00")
    return {"id": 1}


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    """The application with these routes beside its own."""
    async with running(setting_values, router) as app:
        yield app


async def test_an_answer_that_the_next_read_belies_is_found(app: Application) -> None:
    routes = [route_of(app, name) for name in NAMES]
    named = [(min(route.methods or {"GET"}), route) for route in routes]

    told = {pair[1].name: await differing(app, pair, arrange) or "" for pair in pairs(named)}

    assert set(told) == {"write_planted", "put_planted", "raise_planted"}
    assert "{'price': ('12', '12.00')}" in told["write_planted"]
    assert "{'price': ('2.00', '1.00')}" in told["raise_planted"]
    assert not told["put_planted"]
