"""A Valkey's replica takes its place, planned or not, under load: what was promised holds."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest

from infra.drills.actors import ROLES, Environment
from infra.drills.invariants import Books
from infra.drills.number_clients import Seen, limited_values, numbers_in, start_apis, use
from infra.drills.test_jobs import books, order, until_ready
from infra.local import processes
from infra.local.paths import is_free
from infra.local.valkey import ValkeyServer
from tests.valkey_pair import ValkeyPair

pytestmark = [pytest.mark.drill, pytest.mark.longest]

SECONDS = 24.0
WORKERS = ("worker1", "worker2")
__all__ = ["books"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[ValkeyPair]:
    pair = ValkeyPair(tmp_path, durable=True)
    yield pair
    pair.stop()


async def change_places(pair: ValkeyPair, seen: Seen, end: float) -> list[str]:
    """By turns as an operator does it, and by kill -9."""
    done: list[str] = []
    while time.monotonic() < end:
        await asyncio.sleep(2.5)
        begun, planned = time.monotonic(), len(done) % 2 == 0
        await asyncio.to_thread(pair.fail_over if planned else pair.lose_primary)
        seen.trouble.append((begun, time.monotonic()))
        done.append(f"{'planned' if planned else 'killed'} {time.monotonic() - begun:.2f} s")
        if not planned:
            await asyncio.to_thread(pair.restore)
    return done


async def test_no_answered_write_is_followed_by_an_old_value(
    setting_values: dict[str, str], database_url: str, pair: ValkeyPair, tmp_path: Path
) -> None:
    seen = Seen()
    urls = dict.fromkeys(ROLES, pair.url)
    async with numbers_in(database_url):
        apis = start_apis(tmp_path, {**limited_values(setting_values), **urls})
        try:
            using = asyncio.create_task(use(list(apis), seen, SECONDS, random.Random()))
            await asyncio.sleep(3)
            done = await change_places(pair, seen, time.monotonic() + SECONDS - 8)
            await using
        finally:
            processes.stop([*apis.values()], timeout=1)
    writes = sum(map(len, seen.writes.values()))
    slowest = max(ended - begun for begun, ended, _ in seen.limited)
    print(f"\n{done}, {writes} writes, {len(seen.reads)} reads, slowest {slowest:.2f} s")
    assert (seen.stale(), seen.over_the_limit(), seen.refused_below()) == ([], [], [])
    assert slowest < 3


async def test_each_order_is_shipped_once(
    setting_values: dict[str, str], books: Books, pair: ValkeyPair, tmp_path: Path
) -> None:
    values = {**setting_values, "LOG_LEVEL": "INFO", "WORKER_LEASE": "2"}
    port = next(filter(is_free, random.sample(range(20000, 30000), 100)))
    actors = Environment(tmp_path, values, port, cast(ValkeyServer, pair))
    confirmed: list[int | None] = []
    try:
        for name in ("api", *WORKERS):
            actors.start(name)
        async with httpx2.AsyncClient(timeout=5) as client:
            await until_ready(client, actors.url)
            changing = asyncio.create_task(change_places(pair, Seen(), time.monotonic() + 10))
            while not changing.done():
                confirmed.append(await order(client, actors.url, seconds=0.1))
                await asyncio.sleep(0.05)
            settled = await books.settle(20)
    finally:
        processes.stop([*actors.programs.values()], timeout=1)
    print(f"\n{await changing}, {len(confirmed)} orders, settled in {settled:.1f} s")
    assert None not in confirmed
    await books.assert_each_order_is_shipped_once()
