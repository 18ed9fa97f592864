"""What a constraint, an index or a generated column refuses is a 422 that names the column."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Computed, Index, insert
from sqlalchemy.dialects.postgresql import TSVECTOR, ExcludeConstraint
from sqlmodel import Field, SQLModel

from kernel.db.compiled_query import CompiledQuery
from kernel.db.tables import metadata
from kernel.resources import Resources
from kernel.web.database_errors import translate


class Bounded(SQLModel, table=True):
    """Of the metadata that the kernel asks for its constraints; taken out of it again below."""

    __tablename__ = "bounded_thing"
    __table_args__ = (
        CheckConstraint("low <= high", name="order"),
        CheckConstraint("mood IN ('calm', 'wild')", name="mood"),
        Index("ix_bounded_thing_text", "text"),
        ExcludeConstraint(("low", "="), name="ex_bounded_low", using="btree"),
    )

    id: int | None = Field(default=None, primary_key=True)
    low: int = 0
    high: int
    mood: str = "calm"
    text: str = ""
    words: str | None = Field(
        default=None,
        sa_column=Column(TSVECTOR, Computed("to_tsvector('simple', text)", persisted=True)),
    )


TABLE: Any = Bounded.__table__  # type: ignore[attr-defined]
metadata.remove(TABLE)


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    known = TABLE.to_metadata(metadata)
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: TABLE.create(session.connection()))
    yield resources
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: TABLE.drop(session.connection()))
    metadata.remove(known)


LONG = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(6_000))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"low": 10}, ["low", "high"]),
        ({"mood": "lost"}, ["mood"]),
        ({"high": None}, ["high"]),
        ({"text": LONG}, ["text"]),
        ({"text": "\x00"}, ["text"]),
        ({"low": 2**40}, ["low"]),
        ({"low": 2**40, "text": "\x00"}, ["low", "text"]),
    ],
)
@pytest.mark.parametrize("way", ["session", "statement", "compiled"])
async def test_a_refused_value_is_a_422_that_names_its_column(
    own: Resources, values: dict[str, Any], named: list[str], way: str
) -> None:
    row = {"low": 0, "high": 9, "mood": "calm", "text": "", **values}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the driver's or SQLAlchemy's
        async with own.unit() as unit:
            if way == "session":
                unit.add(Bounded(**row))
            elif way == "statement":
                await unit.execute(insert(Bounded).values(**row))
            else:
                query = CompiledQuery(insert(TABLE).values(dict.fromkeys(row)), writes=True)
                await query.scalar(unit, **row)

    answer: Any = translate(caught.value)
    assert answer.status_code == 422, caught.value
    assert [error["loc"] for error in answer.detail["errors"]] == [[name] for name in named]
    assert all(name in answer.detail["detail"] for name in named)


async def test_what_excludes_another_row_is_a_conflict(own: Resources) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - SQLAlchemy's
        async with own.unit() as unit:
            unit.add_all([Bounded(high=9), Bounded(high=9)])

    answer: Any = translate(caught.value)
    assert answer.status_code == 409
