"""FastCRUD in a unit of work, and the edges that docs/crud.md tells of: each was run."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Any, ClassVar

import pytest
from fastcrud import FastCRUD, JoinConfig
from pydantic import BaseModel
from sqlalchemy import MetaData, text
from sqlmodel import Field, SQLModel, col

from kernel.db import SoftDeleted, UnitOfWork
from kernel.resources import Resources


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Grade(Enum):
    """Whose names aren't its values."""

    GOOD = "g"
    BEST = "b"


class Item(SoftDeleted, Apart, table=True):
    __tablename__: ClassVar[Any] = "edge_item"

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str = "nameless"
    stock: int = 1
    grade: Grade = Grade.GOOD


class Part(Apart, table=True):
    __tablename__: ClassVar[Any] = "edge_part"

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="edge_item.id")
    name: str = "part"


class Create(BaseModel):
    id: int | None = None
    code: str
    name: str = "given"


class Change(BaseModel):
    name: str


class Shown(BaseModel):
    id: int
    name: str
    grade: Grade


items: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(Item)


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.create_all(session.connection()))
        unit.add(Item(id=1, code="a", name="one", stock=5, grade=Grade.BEST))
        unit.add(Item(id=2, code="b", name="two", stock=6))
        await unit.flush()
        unit.add_all([Part(item_id=1, name=name) for name in ("x", "y", "z")])
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: Apart.metadata.drop_all(session.connection()))


async def stored(own: Resources) -> list[tuple[Any, ...]]:
    async with own.unit() as unit:
        found = await unit.execute(
            text("SELECT id, code, name, stock, grade FROM edge_item ORDER BY id")
        )
        return [tuple(row) for row in found]


async def test_upsert_multi_works_in_a_unit_and_commits_with_it(own: Resources) -> None:
    rows = [Create(id=1, code="a", name="uno"), Create(id=9, code="n", name="nine")]
    with pytest.raises(RuntimeError):
        async with own.unit() as unit:
            await items.upsert_multi(unit, rows)
            raise RuntimeError
    assert len(await stored(own)) == 2

    async with own.unit() as unit:
        found = await items.upsert_multi(unit, rows, schema_to_select=Shown, return_as_model=True)

    assert found is not None
    assert [row.name for row in found["data"]] == ["uno", "nine"]
    after = await stored(own)
    assert [(id, name) for id, _, name, *_ in after] == [(1, "uno"), (2, "two"), (9, "nine")]


async def test_upsert_multi_resets_what_its_schema_does_not_name(own: Resources) -> None:
    async with own.unit() as unit:
        await items.upsert_multi(unit, [Create(id=1, code="changed")])

    [first, *_] = await stored(own)
    assert first == (1, "a", "given", 1, "g")  # stock and grade anew; the unique code as it was


async def test_upsert_multi_of_named_columns_leaves_the_others(own: Resources) -> None:
    async with own.unit() as unit:
        await items.upsert_multi(
            unit, [Create(id=1, code="a", name="uno")], update_override={"name": "uno"}
        )

    [first, *_] = await stored(own)
    assert first[:3] == (1, "a", "uno")


async def test_create_returns_nothing_unless_a_schema_is_asked_for(own: Resources) -> None:
    async with own.unit() as unit:
        nothing: Any = await items.create(unit, Create(id=11, code="c"))  # type: ignore[func-returns-value]
        row = await items.create(unit, Create(id=12, code="d"), schema_to_select=Shown)
        shown = await items.create(
            unit, Create(id=13, code="e"), schema_to_select=Shown, return_as_model=True
        )

    assert nothing is None
    assert isinstance(row, dict)
    assert isinstance(shown, Shown)


async def test_an_update_that_returns_a_model_reads_enums(own: Resources) -> None:
    async with own.unit() as unit:
        shown = await items.update(
            unit, Change(name="uno"), id=1, schema_to_select=Shown, return_as_model=True
        )

    assert shown == Shown(id=1, name="uno", grade=Grade.BEST)


async def test_rows_that_are_deleted_softly_are_found_without_a_policy(own: Resources) -> None:
    async with own.unit() as unit:
        await items.delete(unit, id=1)
        assert await items.exists(unit, id=1)
        assert await items.count(unit) == 2
        assert await items.get(unit, id=1) is not None


async def test_an_operator_that_is_unknown_is_left_out_inside_or(own: Resources) -> None:
    async with own.unit() as unit:
        with pytest.raises(ValueError, match="Unsupported filter operator"):
            await items.count(unit, name__sounds="x")
        assert await items.count(unit, name__or={"sounds": "x"}) == 2


async def test_a_join_of_many_children_counts_pairs(own: Resources) -> None:
    joins = [JoinConfig(model=Part, join_on=col(Item.id) == col(Part.item_id), join_prefix="part_")]
    async with own.unit() as unit:
        page = await items.get_multi_joined(
            unit, schema_to_select=Shown, joins_config=joins, limit=2, sort_columns="id"
        )
        assert await parents(unit, page) == {1}


async def parents(unit: UnitOfWork, page: Any) -> set[int]:
    return {row["id"] for row in page["data"]}


async def test_cursor_pages_skip_equal_values(own: Resources) -> None:
    async with own.unit() as unit:
        unit.add(Item(id=3, code="c", name="one"))
        await unit.flush()
        first = await items.get_multi_by_cursor(unit, limit=1, sort_column="name")
        rest = await items.get_multi_by_cursor(
            unit, cursor=first["next_cursor"], limit=5, sort_column="name"
        )

    assert len(first["data"]) + len(rest["data"]) == 2  # of three
