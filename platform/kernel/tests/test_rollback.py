"""A rollback by hand: what it undoes, and where it would lose what was said to be committed."""

import pytest
from sqlalchemy import insert

from kernel.resources import Resources
from kernel.tests.test_unit_of_work import add, notes, numbers, own

__all__ = ["own"]  # a fixture: resources with a table


async def test_after_a_commit_it_is_refused_and_nothing_is_kept(own: Resources) -> None:
    with pytest.raises(RuntimeError, match=r"rollback.* would undo"):
        async with own.unit() as db:
            await add.scalar(db, number=1)
            await db.commit()
            await db.rollback()

    assert await numbers(own) == []


async def test_what_may_fail_after_a_commit_stands_in_a_nested_block(own: Resources) -> None:
    async with own.unit() as db:
        await add.scalar(db, number=1)
        await db.commit()
        with pytest.raises(ZeroDivisionError):
            async with db.begin_nested():
                await add.scalar(db, number=2)
                raise ZeroDivisionError

    assert await numbers(own) == [1]


async def test_a_nested_block_undoes_what_either_way_wrote_in_it(own: Resources) -> None:
    async with own.unit() as db:
        await db.execute(insert(notes).values(number=1))
        for first in (2, 4):
            with pytest.raises(ZeroDivisionError):
                async with db.begin_nested():
                    await add.scalar(db, number=first)
                    await db.execute(insert(notes).values(number=first + 1))
                    raise ZeroDivisionError
        async with db.begin_nested():
            await add.scalar(db, number=6)

    assert await numbers(own) == [1, 6]


async def test_before_any_commit_it_begins_anew(own: Resources) -> None:
    async with own.unit() as db:
        await add.scalar(db, number=1)
        await db.rollback()
        await add.scalar(db, number=2)

    assert await numbers(own) == [2]
