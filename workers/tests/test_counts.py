"""The worker adds up the differences of lists that aren't written any more."""

import asyncio

import pytest
from sqlalchemy import text

from kernel.db.counters import fold_counts
from kernel.resources import Resources
from tests.jobs import WorkerFactory
from workers import counts


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
        for n in (3, 2, -2, -1):
            await db.execute(text("INSERT INTO user_count (n) VALUES (:n)"), {"n": n})

    async with make_worker() as worker, asyncio.timeout(60):
        running = asyncio.create_task(worker.async_run())
        await folded.wait()
        running.cancel()

    async with resources.unit() as db:
        assert list(await db.scalars(text("SELECT n FROM user_count"))) == [2]
