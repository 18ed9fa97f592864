"""A rollback by hand: what it undoes, and where it would lose what was said to be committed."""

import pytest
from sqlmodel import select

from features.tiers.models import Tier
from kernel.resources import Resources


async def names(resources: Resources) -> list[str]:
    async with resources.unit() as db:
        return [*(await db.exec(select(Tier.name))).all()]


async def test_after_a_commit_it_is_refused_and_nothing_is_kept(resources: Resources) -> None:
    with pytest.raises(RuntimeError, match=r"rollback.* would undo"):
        async with resources.unit() as db:
            db.add(Tier(name="a"))
            await db.commit()
            await db.rollback()

    assert await names(resources) == []


async def test_what_may_fail_after_a_commit_stands_in_a_nested_block(
    resources: Resources,
) -> None:
    async with resources.unit() as db:
        db.add(Tier(name="a"))
        await db.commit()
        with pytest.raises(ZeroDivisionError):
            async with db.begin_nested():
                db.add(Tier(name="b"))
                raise ZeroDivisionError

    assert await names(resources) == ["a"]


async def test_before_any_commit_it_begins_anew(resources: Resources) -> None:
    async with resources.unit() as db:
        db.add(Tier(name="a"))
        await db.rollback()
        db.add(Tier(name="b"))

    assert await names(resources) == ["b"]
