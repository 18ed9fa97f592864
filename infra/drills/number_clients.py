"""Clients who write, read and ask for numbers of two API processes, and what they saw."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2

from infra.drills.sample_app import TABLES
from infra.local import processes
from infra.local.paths import is_free
from infra.local.processes import Child
from kernel.config.loader import ROOT

READERS = 10
# The seconds between two writes, at most. Those that are written seldom stay wrong for long if one
# of their writes is forgotten.
PAUSES = {"a": 0.05, "b": 0.5, "c": 4.0, "d": 4.0, "e": 6.0, "f": 6.0}
LIMIT, PERIOD = 25, 1
AFTER_TROUBLE = 1.0  # seconds in which an old value may be seen, by the contract


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


@asynccontextmanager
async def numbers_in(database_url: str) -> AsyncIterator[None]:
    """A table of the numbers, each of them 0."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(TABLES)
    await connection.executemany(
        "INSERT INTO drill_number VALUES ($1, 0)", [(name,) for name in PAUSES]
    )
    yield
    await connection.execute("DROP TABLE drill_number")
    await connection.close()


def limited_values(values: Mapping[str, str]) -> dict[str, str]:
    """The settings with the limit that the clients ask under."""
    limit = {"DEFAULT_RATE_LIMIT_LIMIT": str(LIMIT), "DEFAULT_RATE_LIMIT_PERIOD": str(PERIOD)}
    return {**values, **limit}


def start_apis(folder: Path, values: Mapping[str, str]) -> dict[str, Child]:
    """Two API processes, by their addresses; their log lies in the folder."""
    started = {}
    words = ("uvicorn", "infra.drills.sample_app:app", "--no-proxy-headers", "--port")
    for port in random.sample([port for port in range(20000, 30000, 7) if is_free(port)], 2):
        with (folder / "api.log").open("ab") as log:
            started[f"http://127.0.0.1:{port}"] = processes.start(
                f"api{port}",
                [sys.executable, "-m", *words, str(port)],
                env={**os.environ, **values},
                cwd=ROOT,
                output=log,
            )
    return started


async def until_ready(client: httpx2.AsyncClient, urls: list[str]) -> None:
    async with asyncio.timeout(60):
        for url in urls:
            while True:
                with suppress(httpx2.TransportError):
                    if (await client.get(f"{url}/health")).status_code == 200:
                        break
                await asyncio.sleep(0.05)


async def use(urls: list[str], seen: Seen, seconds: float, chance: random.Random) -> None:
    """One writer of each name, ten readers, and two who ask again and again."""
    end = time.monotonic() + seconds

    def anywhere(path: str) -> str:
        return f"{chance.choice(urls)}/api/v1/drill/{path}"

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
        await until_ready(client, urls)
        end = time.monotonic() + seconds
        await asyncio.gather(
            *[write(name) for name in PAUSES], *[read() for _ in range(READERS)], ask(), ask()
        )
