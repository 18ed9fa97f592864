"""The worker adds up the differences of lists that aren't written any more."""

import asyncio

import pytest
from sqlalchemy import text

from kernel.db.counters import fold_counts
from kernel.resources import Resources
from tests.jobs import WorkerFactory
from workers import counts

GONE, QUIET = 1_000_000_007, 1_000_000_009  # no users have these ids


async def rows_of(resources: Resources, author: int) -> list[int]:
    async with resources.unit() as db:
        query = text("SELECT n FROM post_count WHERE created_by_user_id = :author")
        return list(await db.scalars(query, {"author": author}))


async def test_a_worker_adds_up_and_goes_on_after_a_failure(
    resources: Resources, make_worker: WorkerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, folded = ["once"], asyncio.Event()

    async def fold_or_fail(given: Resources) -> None:
        if failures:
            raise OSError(failures.pop())
        await fold_counts(given)
        folded.set()

    monkeypatch.setattr(counts, "FOLD_INTERVAL", 0.05)
    monkeypatch.setattr(counts, "fold_counts", fold_or_fail)
    async with resources.unit() as db:
        insert = text("INSERT INTO post_count (created_by_user_id, n) VALUES (:author, :n)")
        for author, n in [(GONE, 2), (QUIET, 3), (GONE, -2), (QUIET, -1)]:
            await db.execute(insert, {"author": author, "n": n})

    async with make_worker() as worker, asyncio.timeout(60):
        running = asyncio.create_task(worker.async_run())
        await folded.wait()
        running.cancel()

    assert await rows_of(resources, GONE) == []
    assert await rows_of(resources, QUIET) == [2]
