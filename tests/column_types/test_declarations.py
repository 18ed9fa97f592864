"""What a table's fields are in PostgreSQL, and what the session sees of their changes."""

import gc
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal
from uuid import UUID

import pytest
from fastcrud import FastCRUD
from pydantic import BaseModel, SecretStr
from sqlalchemy import ARRAY, JSON, Column, Integer, MetaData, bindparam, insert, text, true
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import StatementError
from sqlmodel import Field, SQLModel, col, select

from kernel.db import CompiledQuery, UnitOfWork, UUIDKey
from kernel.resources import Resources


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Mood(Enum):
    """Whose names aren't its values."""

    CALM = "it's calm"
    WILD = "wild"


class Rank(IntEnum):
    """A number with a name."""

    FIRST = 1
    LAST = 99


class Thing(UUIDKey, Apart, table=True):
    """A row with what SQLModel alone stores otherwise, or not at all."""

    mood: Mood = Mood.CALM
    maybe: Mood | None = None
    text_mood: Mood = Field(default=Mood.WILD, sa_type=EnumType(Mood, native_enum=False))
    named: Mood = Field(default=Mood.WILD, sa_column=Column(EnumType(Mood, name="named")))
    rank: Rank = Rank.FIRST
    state: Literal["new", "old"] = "new"
    level: Literal[1, 2] | None = None
    token: SecretStr | None = Field(default=None, max_length=40)
    labels: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    counted: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON, server_default=text("'{\"n\": 0}'"))
    )
    tags: list[int] = Field(default=[], sa_type=ARRAY(Integer))


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))


async def as_stored(own: Resources) -> dict[str, Any]:
    """The one row, as PostgreSQL has it."""
    async with own.unit() as unit:
        rows = await unit.execute(text("SELECT * FROM thing"))
        return dict(rows.mappings().one())


async def add(own: Resources, **values: Any) -> Any:
    async with own.unit() as unit:
        thing = Thing(**values)
        unit.add(thing)
        await unit.flush()
        return thing.id


async def test_enums_are_stored_by_value_and_read_as_members(own: Resources) -> None:
    await add(own, maybe=Mood.WILD, rank=Rank.LAST, level=2)

    row = await as_stored(own)
    async with own.unit() as unit:
        labels = await unit.scalar(text("SELECT CAST(enum_range(NULL::mood) AS text[])"))
        thing = (await unit.exec(select(Thing))).one()
        by_value = await unit.scalar(text("SELECT count(*) FROM thing WHERE mood = 'it''s calm'"))
    assert (row["mood"], row["maybe"], row["text_mood"], row["rank"]) == (
        *("it's calm", "wild", "wild"),
        "99",
    )
    assert row["named"] == "WILD"  # a column that is given whole is SQLAlchemy's own
    assert labels == ["it's calm", "wild"]
    assert by_value == 1
    assert (thing.mood, thing.text_mood, thing.rank) == (Mood.CALM, Mood.WILD, Rank.LAST)
    assert (row["state"], row["level"]) == ("new", 2)


async def test_a_secret_is_stored_in_clear_and_read_as_a_secret(own: Resources) -> None:
    id = await add(own, token=SecretStr("hush"))

    assert (await as_stored(own))["token"] == "hush"
    query = CompiledQuery(select(col(Thing.token)).where(col(Thing.token) == SecretStr("hush")))
    async with own.unit() as unit:
        assert (await unit.get_one(Thing, id)).token == SecretStr("hush")
        assert await query.scalar(unit) == SecretStr("hush")


async def test_a_key_is_a_uuid_of_version_7_that_the_database_made(own: Resources) -> None:
    async with own.unit() as unit:
        things = [Thing() for _ in range(5)]
        for thing in things:
            unit.add(thing)
            await unit.flush()
        by_hand = await unit.scalar(
            insert(Thing)
            .values(mood="wild", text_mood="wild", rank="1", state="new", tags=[])
            .returning(col(Thing.id))
        )

    keys = [thing.id for thing in things]
    assert all(isinstance(key, UUID) and key.version == 7 for key in [*keys, by_hand])
    assert sorted(keys, key=str) == keys


async def test_an_absent_document_is_null_and_the_default_of_the_database_holds(
    own: Resources,
) -> None:
    await add(own)

    async with own.unit() as unit:
        found = await unit.execute(
            text("SELECT labels IS NULL, counted->>'n', count(*) OVER () FROM thing")
        )
        assert tuple(found.one()) == (True, "0", 1)

    class Create(BaseModel):
        labels: dict[str, Any] | None = None

    crud: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(Thing)
    async with own.unit() as unit:
        await crud.create(unit, Create())
        await crud.update(unit, {"labels": None}, allow_multiple=True, where=true())
        null = "SELECT count(*) FROM thing WHERE labels IS NULL"
        assert await unit.scalar(text(null)) == 2
        unit.add(Thing(labels=JSONB.NULL))  # type: ignore[arg-type]
        await unit.flush()
        assert await unit.scalar(text(null)) == 2


@pytest.mark.parametrize("how", ["read", "new", "set", "refreshed"])
async def test_a_nested_change_is_written(own: Resources, how: str) -> None:
    id = await add(own, labels={"a": {"b": [1]}, "same": True}, tags=[1])

    async def change(unit: UnitOfWork) -> None:
        """As an endpoint does, whose variables are gone when its unit commits."""
        if how == "new":
            thing = Thing(labels={"a": {"b": [1]}, "same": True}, tags=[1])
            unit.add(thing)
            await unit.flush()
            old = await unit.get_one(Thing, id)
            await unit.delete(old)
        else:
            thing = await unit.get_one(Thing, id)
        if how == "set":
            thing.labels = {"a": {"b": [1]}, "same": True}
            await unit.flush()
        if how == "refreshed":
            await unit.refresh(thing)
        assert thing.labels is not None
        thing.labels["a"]["b"].append({"c": 2})
        thing.labels["same"] = 1
        thing.tags[0] = 7

    async with own.unit() as unit:
        await change(unit)
        gc.collect()
    row = await as_stored(own)

    assert row["labels"] == {"a": {"b": [1, {"c": 2}]}, "same": 1}
    assert type(row["labels"]["same"]) is int
    assert row["tags"] == [7]


async def test_a_nested_change_is_seen_by_a_compiled_query_and_what_is_unchanged_is_not_written(
    own: Resources,
) -> None:
    id = await add(own, labels={"a": 1})
    query = CompiledQuery(select(col(Thing.labels), text("xmin::text")))
    async with own.unit() as unit:
        thing = await unit.get_one(Thing, id)
        before = await query.one(unit)
        assert not unit.has_pending_changes
        await unit.flush()
        assert await query.one(unit) == before
        assert thing.labels is not None
        thing.labels["a"] = 2
        after = await query.one(unit)
        await unit.flush()
        await unit.flush()
        assert not unit.has_pending_changes

    assert before is not None
    assert after is not None
    assert (before["labels"], after["labels"]) == ({"a": 1}, {"a": 2})


async def test_rows_of_a_stream_are_not_kept(own: Resources) -> None:
    await add(own, labels={"a": 1})
    async with own.unit() as unit:
        rows = await unit.stream_scalars(select(Thing))
        async for row in rows:
            assert row.labels == {"a": 1}
        assert unit.sync_session.info == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("tags", [1, 5.7], "must be a whole number"),
        ("tags", [1, Decimal("5.7")], "must be a whole number"),
        ("level", 2.5, "must be a whole number"),
        ("mood", "CALM", "must be one of it's calm, wild"),
    ],
)
async def test_what_would_be_cut_is_refused(
    own: Resources, name: str, value: Any, told: str
) -> None:
    with pytest.raises(StatementError) as caught:
        await add(own, **{name: value})

    assert caught.value.unfit == {name: told}  # type: ignore[attr-defined]


class Limits(Apart, table=True):
    """What the driver or the server would change in silence."""

    id: int | None = Field(default=None, primary_key=True)
    number: int = 0
    price: Decimal = Field(default=Decimal(0), max_digits=6, decimal_places=2)
    day: date = date(2026, 1, 1)
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", 5.7),
        ("number", Decimal("1e-30")),
        ("number", float("nan")),
        ("number", float("inf")),
        ("price", Decimal("1.005")),
        ("day", date.max),
        ("day", datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("at", datetime.max.replace(tzinfo=UTC)),
        ("at", datetime(2026, 1, 1)),
        ("at", date(2026, 1, 1)),
    ],
)
@pytest.mark.parametrize("way", ["session", "statement", "compiled"])
async def test_no_value_is_stored_as_another_one(
    own: Resources, name: str, value: Any, way: str
) -> None:
    with pytest.raises(StatementError) as caught:
        async with own.unit() as unit:
            if way == "session":
                unit.add(Limits(**{name: value}))
            elif way == "statement":
                await unit.execute(insert(Limits).values({name: value}))
            else:
                column = getattr(Limits, name)
                query = CompiledQuery(select(Limits.id).where(column == bindparam(name)))
                await query.scalar(unit, **{name: value})

    assert list(caught.value.unfit) == [name]  # type: ignore[attr-defined]


async def test_a_tenth_that_a_float_holds_is_a_tenth(own: Resources) -> None:
    async with own.unit() as unit:
        unit.add(Limits(price=0.1))  # type: ignore[arg-type]
        await unit.flush()
        assert await unit.scalar(text("SELECT price = 0.1 FROM limits"))
