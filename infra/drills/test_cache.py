"""Read your writes and limits, in two API processes, while Redis is killed, stopped and flushed."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
import pytest
import redis

from infra.drills.actors import seed_of_this_run
from infra.drills.sample_app import TABLES
from infra.local import processes
from infra.local.paths import is_free
from infra.local.valkey import start_valkey
from kernel.config.loader import ROOT

pytestmark = pytest.mark.drill

QUIET, CHAOS = 8.0, 30.0  # seconds
READERS = 10
# The seconds between two writes, at most. Those that are written seldom stay wrong for long if one
# of their writes is forgotten.
PAUSES = {"a": 0.05, "b": 0.5, "c": 4.0, "d": 4.0, "e": 6.0, "f": 6.0}
LIMIT, PERIOD = 25, 1
AFTER_TROUBLE = 1.0  # seconds in which an old value may be seen, by the contract
ROLES = ("REDIS_CACHE_URL", "REDIS_QUEUE_URL", "REDIS_RATE_LIMIT_URL")


@dataclass
class Seen:
    """What the clients saw, by a clock that all share: begun, ended, and what was answered."""

    writes: dict[str, list[tuple[float, int]]] = field(
        default_factory=lambda: {name: [] for name in PAUSES}
    )
    reads: list[tuple[float, str, int]] = field(default_factory=list)
    limited: list[tuple[float, float, int]] = field(default_factory=list)
    trouble: list[tuple[float, float]] = field(default_factory=list)

    def was_troubled(self, begin: float, end: float) -> bool:
        return any(begin <= last + AFTER_TROUBLE and end >= first for first, last in self.trouble)

    def stale(self) -> list[tuple[float, str, int, int]]:
        """Reads that began after an answered write and show less than it."""
        found = []
        for begun, name, number in self.reads:
            due = max((n for ended, n in self.writes[name] if ended < begun), default=0)
            if number < due and not self.was_troubled(begun, begun):
                found.append((begun, name, number, due))
        return found

    def over_the_limit(self) -> list[float]:
        """Moments at which more calls than the limit were certainly accepted in one period."""
        accepted = sorted((begun, ended) for begun, ended, status in self.limited if status == 200)
        found = []
        for one, last in zip(accepted, accepted[LIMIT:], strict=False):
            ends = [ended for begun, ended in accepted if one[0] <= begun <= last[0]]
            if max(ends) - one[0] <= PERIOD and not self.was_troubled(one[0] - PERIOD, max(ends)):
                found.append(one[0])
        return found

    def refused_below(self) -> list[float]:
        """Refusals that cannot have had as many accepted calls in the period before them.

        In trouble, Redis may have counted a call whose answer was lost.
        """
        accepted = [(begun, ended) for begun, ended, status in self.limited if status == 200]
        found = []
        for begun, ended, status in self.limited:
            possible = [a for a in accepted if a[1] >= begun - PERIOD and a[0] <= ended]
            troubled = self.was_troubled(begun - PERIOD, ended)
            if status == 429 and len(possible) < LIMIT and not troubled:
                found.append(begun)
        return found


class Environment:
    """One Redis that keeps its data, and two API processes."""

    def __init__(self, folder: Path, values: Mapping[str, str]) -> None:
        self._folder = folder
        self.redis = start_valkey(folder, durable=True)
        self._ports = random.sample([port for port in range(20000, 30000, 7) if is_free(port)], 2)
        environment = {**os.environ, **values, **dict.fromkeys(ROLES, self.redis.url)}
        self._log = (folder / "api.log").open("ab")
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "infra.drills.sample_app:app",
            "--no-proxy-headers",
        ]
        self.apis = [
            processes.start(
                f"api{port}",
                [*command, "--port", str(port)],
                env=environment,
                cwd=ROOT,
                output=self._log,
            )
            for port in self._ports
        ]

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def signal(self, number: signal.Signals) -> None:
        self.redis.child.process.send_signal(number)

    def restart(self) -> None:
        self.redis.child.process.wait()
        self.redis = start_valkey(self._folder, durable=True)

    def flush(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def close(self) -> None:
        processes.stop([*self.apis, self.redis.child], timeout=1)
        self._log.close()


@pytest.fixture
async def numbers(database_url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(TABLES)
    await connection.executemany(
        "INSERT INTO drill_number VALUES ($1, 0)", [(name,) for name in PAUSES]
    )
    yield
    await connection.execute("DROP TABLE drill_number")
    await connection.close()


@pytest.fixture
def stage(setting_values: dict[str, str], numbers: None, tmp_path: Path) -> Iterator[Environment]:
    values = {
        **setting_values,
        "DEFAULT_RATE_LIMIT_LIMIT": str(LIMIT),
        "DEFAULT_RATE_LIMIT_PERIOD": str(PERIOD),
    }
    stage = Environment(tmp_path, values)
    yield stage
    stage.close()


async def until_ready(client: httpx2.AsyncClient, urls: list[str]) -> None:
    async with asyncio.timeout(20):
        for url in urls:
            while True:
                with suppress(httpx2.TransportError):
                    if (await client.get(f"{url}/health")).status_code == 200:
                        break
                await asyncio.sleep(0.05)


async def use(stage: Environment, seen: Seen, seconds: float, chance: random.Random) -> None:
    """One writer of each name, ten readers, and two who ask again and again."""
    end = time.monotonic() + seconds

    def anywhere(path: str) -> str:
        return f"{chance.choice(stage.urls)}/api/v1/drill/{path}"

    async def write(name: str) -> None:
        while time.monotonic() < end:
            answer = await client.post(anywhere(f"number/{name}"))
            assert answer.status_code == 200, answer.text
            seen.writes[name].append((time.monotonic(), answer.json()))
            await asyncio.sleep(chance.uniform(0, PAUSES[name]))

    async def read() -> None:
        while time.monotonic() < end:
            name, begun = chance.choice(list(PAUSES)), time.monotonic()
            answer = await client.get(anywhere(f"number/{name}"))
            assert answer.status_code == 200, answer.text
            seen.reads.append((begun, name, answer.json()))

    async def ask() -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            answer = await client.get(anywhere("limited"))
            assert answer.status_code in (200, 429), answer.text
            seen.limited.append((begun, time.monotonic(), answer.status_code))
            await asyncio.sleep(chance.uniform(0, 0.04))

    async with httpx2.AsyncClient(timeout=10) as client:
        await until_ready(client, stage.urls)
        end = time.monotonic() + seconds
        await asyncio.gather(
            *[write(name) for name in PAUSES], *[read() for _ in range(READERS)], ask(), ask()
        )


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
    await use(stage, seen, QUIET, random.Random(seed_of_this_run()))

    writes = sum(map(len, seen.writes.values()))
    print(f"{writes} writes, {len(seen.reads)} reads, {len(seen.limited)} limited calls")
    assert writes > 50
    assert len(seen.reads) > 500
    assert {status for _, _, status in seen.limited} == {200, 429}
    assert (seen.stale(), seen.over_the_limit(), seen.refused_below()) == ([], [], [])


async def test_trouble_with_redis_costs_no_answer_and_no_truth(stage: Environment) -> None:
    seed, seen = seed_of_this_run(), Seen()
    using = asyncio.create_task(use(stage, seen, CHAOS, random.Random(seed)))
    await asyncio.sleep(2)
    troubles = await trouble(stage, seen, CHAOS - 6, random.Random(seed))
    await using

    writes = sum(map(len, seen.writes.values()))
    slowest = max(ended - begun for begun, ended, _ in seen.limited)
    print(f"{dict(Counter(troubles))}, {writes} writes, {len(seen.reads)} reads, {slowest=:.2f} s")
    assert (seen.stale(), seen.over_the_limit(), seen.refused_below()) == ([], [], [])
    assert slowest < 3
