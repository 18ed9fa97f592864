"""An archive is written from few rows at a time, whatever offers them."""

import json
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Integer, bindparam, func, literal, select

from features.privacy.archive import Rows, TooLarge, build
from kernel.db import UnitOfWork

ROWS = 600
KILOBYTES = 100
MOMENT = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
ODD = {
    "moment": MOMENT,
    "sum": Decimal("1.10"),
    "key": UUID(int=7),
    "bytes": b"\xff\x00",
    "none": None,
    "not a number": float("nan"),
    "nested": {"a": [1, "ü"]},
}


def parts(rows: Rows) -> dict[str, Rows]:
    return {"notes/notes": rows}


async def ignore(done: int) -> None:
    """Progress isn't looked at here."""


async def many(db: UnitOfWork, user_id: int) -> AsyncIterator[Mapping[str, Any]]:
    for number in range(ROWS):
        yield {"number": number, "text": f"{number:08}" * (KILOBYTES * 128)}


number = func.generate_series(1, ROWS).column_valued("number")
selected = select(
    number.label("number"),
    func.repeat(func.md5(literal("x")), KILOBYTES * 32).label("text"),
    bindparam("user_id", type_=Integer).label("user"),
)


@pytest.mark.parametrize("rows", [many, selected], ids=["generator", "select"])
async def test_the_rows_are_never_in_memory_together(db: UnitOfWork, rows: Rows) -> None:
    tracemalloc.start()
    try:
        with await build(db, 7, parts(rows), 2**30, ignore) as file:
            _, peak = tracemalloc.get_traced_memory()
            with zipfile.ZipFile(file) as archive:
                kept = json.loads(archive.read("notes/notes.json"))
    finally:
        tracemalloc.stop()

    assert len(kept) == ROWS
    assert peak < ROWS * KILOBYTES * 1024 / 3


async def test_every_value_has_a_form_in_json(db: UnitOfWork) -> None:
    async def odd(db: UnitOfWork, user_id: int) -> AsyncIterator[Mapping[str, Any]]:
        yield ODD

    with await build(db, 7, parts(odd), 2**20, ignore) as file, zipfile.ZipFile(file) as archive:
        [row] = json.loads(archive.read("notes/notes.json"))

    assert row["moment"] == "2026-11-29T12:30:00Z"
    assert row["nested"] == {"a": [1, "ü"]}
    assert (row["sum"], row["bytes"], row["not a number"]) == ("1.10", "_wA=", "NaN")


async def test_an_archive_without_rows_is_valid(db: UnitOfWork) -> None:
    nothing = select(number.label("number")).where(number < bindparam("user_id", type_=Integer) * 0)

    with await build(db, 7, parts(nothing), 2**20, ignore) as file:
        assert json.loads(zipfile.ZipFile(file).read("notes/notes.json")) == []


async def test_what_grows_beyond_the_bound_is_given_up(db: UnitOfWork) -> None:
    async def endless(db: UnitOfWork, user_id: int) -> AsyncIterator[Mapping[str, Any]]:
        number = 0
        while True:
            number += 1
            yield {"text": str(hash(str(number)) ** 40)}

    with pytest.raises(TooLarge):
        await build(db, 7, parts(endless), 100_000, ignore)
