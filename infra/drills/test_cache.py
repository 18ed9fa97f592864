"""Read your writes and limits, in two API processes, while Redis is killed, stopped and flushed."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import redis

from infra.drills.actors import ROLES, seed_of_this_run
from infra.drills.number_clients import Seen, limited_values, numbers_in, start_apis, use
from infra.local import processes
from infra.local.valkey import start_valkey

pytestmark = pytest.mark.drill

QUIET, CHAOS = 8.0, 30.0  # seconds


class Environment:
    """One Redis that keeps its data, and two API processes."""

    def __init__(self, folder: Path, values: Mapping[str, str]) -> None:
        self._folder = folder
        self.redis = start_valkey(folder, durable=True)
        self.apis = start_apis(folder, {**values, **dict.fromkeys(ROLES, self.redis.url)})

    @property
    def urls(self) -> list[str]:
        return list(self.apis)

    def signal(self, number: signal.Signals) -> None:
        self.redis.child.process.send_signal(number)

    def restart(self) -> None:
        self.redis.child.process.wait()
        self.redis = start_valkey(self._folder, durable=True)

    def flush(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def close(self) -> None:
        processes.stop([*self.apis.values(), self.redis.child], timeout=1)


@pytest.fixture
async def numbers(database_url: str) -> AsyncIterator[None]:
    async with numbers_in(database_url):
        yield


@pytest.fixture
def stage(setting_values: dict[str, str], numbers: None, tmp_path: Path) -> Iterator[Environment]:
    stage = Environment(tmp_path, limited_values(setting_values))
    yield stage
    stage.close()


async def trouble(
    stage: Environment, seen: Seen, seconds: float, chance: random.Random
) -> list[str]:
    """Kill, stop or flush Redis, again and again, with quiet stretches in between."""
    done, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0.5, 3))
        what = chance.choice(["killed", "hiccup", "stopped", "flushed"])
        done.append(what)
        begun = time.monotonic()
        if what == "killed":
            stage.signal(signal.SIGKILL)
            await asyncio.sleep(chance.uniform(0, 1.5))
            await asyncio.to_thread(stage.restart)
        elif what == "flushed":
            await asyncio.to_thread(stage.flush)
        else:
            stage.signal(signal.SIGSTOP)
            longest = 0.5 if what == "hiccup" else 3
            await asyncio.sleep(chance.uniform(0.05, longest))
            stage.signal(signal.SIGCONT)
        seen.trouble.append((begun, time.monotonic()))
    return done


async def test_a_writer_s_readers_never_see_an_older_number(stage: Environment) -> None:
    seen = Seen()
    await use(stage.urls, seen, QUIET, random.Random(seed_of_this_run()))

    writes = sum(map(len, seen.writes.values()))
    print(f"{writes} writes, {len(seen.reads)} reads, {len(seen.limited)} limited calls")
    assert writes > 50
    assert len(seen.reads) > 500
    assert {status for _, _, status in seen.limited} == {200, 429}
    assert (seen.stale(), seen.over_the_limit(), seen.refused_below()) == ([], [], [])


async def test_trouble_with_redis_costs_no_answer_and_no_truth(stage: Environment) -> None:
    seed, seen = seed_of_this_run(), Seen()
    using = asyncio.create_task(use(stage.urls, seen, CHAOS, random.Random(seed)))
    await asyncio.sleep(2)
    troubles = await trouble(stage, seen, CHAOS - 6, random.Random(seed))
    await using

    writes = sum(map(len, seen.writes.values()))
    slowest = max(ended - begun for begun, ended, _ in seen.limited)
    print(f"{dict(Counter(troubles))}, {writes} writes, {len(seen.reads)} reads, {slowest=:.2f} s")
    assert (seen.stale(), seen.over_the_limit(), seen.refused_below()) == ([], [], [])
    assert slowest < 3
