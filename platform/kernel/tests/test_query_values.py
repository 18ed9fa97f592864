"""A compiled query takes and gives the values that the session takes and gives."""

import asyncio
import enum
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from fastcrud import FastCRUD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    PickleType,
    String,
    Table,
    Time,
    TypeDecorator,
    Uuid,
    bindparam,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.exc import StatementError
from sqlmodel import Field as ColumnField
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from kernel.db.compiled_query import CompiledQuery
from kernel.resources import Resources
from kernel.web.database_errors import translate


class Colour(enum.Enum):
    """Whose names aren't its values."""

    RED = "r"
    BLUE = "b"


class Words(TypeDecorator[list[str]]):
    """A list in a column of text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Any) -> str | None:
        return None if value is None else ",".join(value)

    def process_result_value(self, value: str | None, dialect: Any) -> list[str] | None:
        return None if value is None else value.split(",")


EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
REFUSALS = (StatementError, asyncpg.PostgresError, asyncpg.InterfaceError)
WHOLE = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
DECIMAL = st.decimals(-(10**6), 10**6, places=3)
MOMENT = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "whole": (Integer(), WHOLE),
    "words": (String(), TEXT),
    "truth": (Boolean(), st.booleans()),
    "colour": (Enum(Colour, name="query_colour"), st.sampled_from(Colour)),
    "colour_text": (Enum(Colour, native_enum=False, length=9), st.sampled_from(Colour)),
    "exact": (Numeric(12, 3), DECIMAL),
    "inexact": (Numeric(12, 3, asdecimal=False), DECIMAL.map(float)),
    "double": (Double(), st.floats(allow_nan=False)),
    "double_exact": (Double(asdecimal=True), st.floats(-(10**6), 10**6)),
    "moment": (DateTime(timezone=True), MOMENT),
    "utc": (UTCDateTime(), MOMENT),
    "day": (Date(), st.dates(date(1, 1, 2), date(9999, 12, 30))),
    "clock": (Time(), st.times()),
    "length": (Interval(), st.timedeltas(timedelta(-9999), timedelta(9999))),
    "key": (Uuid(), st.uuids()),
    "key_text": (Uuid(as_uuid=False), st.uuids().map(str)),
    "octets": (LargeBinary(), st.binary()),
    "numbers": (ARRAY(Integer), st.lists(WHOLE)),
    "colours": (ARRAY(Enum(Colour, name="query_colour")), st.lists(st.sampled_from(Colour))),
    "document": (JSONB(none_as_null=True), JSON),
    "address": (INET(), st.ip_addresses(v=4).map(str)),
    "list": (Words(), st.lists(st.sampled_from(["a", "b"]), min_size=1)),
    "pickled": (PickleType(), st.tuples(WHOLE, TEXT)),
}
values_table = Table(
    "query_value",
    MetaData(),
    Column("id", Integer, primary_key=True),
    *[Column(name, kind, key=f"{name}_") for name, (kind, _) in KINDS.items()],
)
add = CompiledQuery(
    insert(values_table)
    .values({name: bindparam(name) for name in list(values_table.c.keys())[1:]})
    .returning(values_table.c.id),
    int,
    writes=True,
)
by_id = CompiledQuery(select(values_table).where(values_table.c.id == bindparam("number")))
scalars = {
    name: CompiledQuery(select(column).where(values_table.c.id == bindparam("number")), object)
    for name, column in ((column.name, column) for column in values_table.c)
}
STRATEGY = st.fixed_dictionaries(
    {f"{name}_": st.none() | strategy for name, (_, strategy) in KINDS.items()}
)


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: values_table.create(session.connection()))
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: values_table.drop(session.connection()))


def same(one: Any, other: Any) -> bool:
    """Equal, and of one type."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=STRATEGY)
async def test_every_type_has_the_values_of_the_session(
    own: Resources, values: dict[str, Any]
) -> None:
    async with own.unit() as unit:
        added = await add.scalar(unit, **values)
        by_session = (
            await unit.execute(insert(values_table).values(values).returning(values_table.c.id))
        ).scalar_one()
        for number in (added, by_session):
            row = await by_id.one(unit, number=number)
            statement = select(values_table).where(values_table.c.id == number)
            expected = dict((await unit.execute(statement)).mappings().one())

            assert row is not None
            assert row.keys() == expected.keys()
            assert [n for n in row if not same(row[n], expected[n])] == []
            for name, query in scalars.items():
                assert same(await query.scalar(unit, number=number), expected[name])
                assert same(await query.one(unit, number=number), expected[name])
        first, second = [await by_id.one(unit, number=number) for number in (added, by_session)]
        assert first is not None
        assert second is not None
        assert {**first, "id": 0} == {**second, "id": 0}


def test_plain_types_are_given_as_the_driver_gives_them() -> None:
    """So that they cost nothing."""
    plain = CompiledQuery(
        select(*[values_table.c[f"{name}_"].label(name) for name in ("whole", "words", "moment")])
    )

    assert plain._read is dict
    assert plain._scalar is None


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Leaf(Apart, table=True):
    """A table with a column that is read under another name."""

    __tablename__ = "query_leaf"

    id: int | None = ColumnField(default=None, primary_key=True)
    title: str = ColumnField(sa_column_kwargs={"name": "heading"})
    colour: Colour = ColumnField(sa_type=Enum(Colour, native_enum=False, length=9))


class LeafRead(BaseModel):
    """A leaf, for clients."""

    id: int
    title: str = Field(alias="leafTitle")
    colour: Colour


@dataclass(frozen=True)
class Short:
    """Two of its columns."""

    id: int
    colour: Colour


crud_leaves: Any = FastCRUD(Leaf)
leaf = CompiledQuery(
    crud_leaves.select(schema_to_select=LeafRead, id=bindparam("leaf_id")), LeafRead
)
shorts = CompiledQuery(select(Leaf.id, Leaf.colour).order_by("id"), Short)  # type: ignore[call-overload]


async def test_rows_are_of_the_class_that_the_query_names(resources: Resources) -> None:
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Leaf.metadata.create_all(session.connection()))
        unit.add(Leaf(title="Oak", colour=Colour.BLUE))

        assert await leaf.one(unit, leaf_id=1) == LeafRead(
            id=1, leafTitle="Oak", colour=Colour.BLUE
        )
        assert await leaf.one(unit, leaf_id=2) is None
        assert await shorts.all(unit) == [Short(1, Colour.BLUE)]
        with pytest.raises(TypeError, match="whole rows"):
            await leaf.scalar(unit, leaf_id=1)
        await unit.rollback()


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"usrname": "ada"}, "unknown parameters: usrname; the query takes username"),
        ({}, "missing parameters: username"),
        ({"username": "ada", "id": 1}, "unknown parameters: id"),
    ],
)
async def test_a_misspelt_parameter_is_refused(
    resources: Resources, parameters: dict[str, Any], told: str
) -> None:
    query = CompiledQuery(text("SELECT :username ::text"))

    async with resources.unit() as unit:
        with pytest.raises(TypeError, match=told):
            await query.scalar(unit, **parameters)


def test_a_list_of_unknown_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"func\.any"):
        CompiledQuery(select(Leaf.id).where(Leaf.title.in_(["a", "b"])))  # type: ignore[attr-defined,call-overload]


async def test_a_coroutine_that_waits_is_refused() -> None:
    async def statement() -> Any:
        await asyncio.sleep(0)

    with pytest.raises(TypeError, match="waits"):
        CompiledQuery(statement())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (UTCDateTime(), datetime(2026, 1, 1)),
        (UTCDateTime(), datetime(1, 1, 1, tzinfo=EAST)),
        (DateTime(timezone=True), datetime(1, 1, 1, tzinfo=EAST)),
        (DateTime(timezone=True), datetime(9999, 12, 31, 23, tzinfo=WEST)),
        (Integer(), 3_000_000_000),
        (Uuid(), "x"),
    ],
)
async def test_a_value_that_cannot_be_stored_is_the_clients_fault_on_either_way(
    resources: Resources, kind: Any, value: Any
) -> None:
    parameter = bindparam("value", type_=kind)
    answers = []
    for by_session in (True, False):
        with pytest.raises(REFUSALS) as caught:
            async with resources.unit() as unit:
                if by_session:
                    await unit.execute(select(parameter), {"value": value})
                else:
                    await CompiledQuery(select(parameter)).scalar(unit, value=value)
        answers.append(getattr(translate(caught.value), "status_code", caught.value))

    assert answers == [422, 422]
