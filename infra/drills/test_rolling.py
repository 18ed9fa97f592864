"""A deploy under load: every API process and worker is replaced, and no client notices."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from infra.drills.fleet import APIS, WORKERS, Fleet, launched
from kernel.resources import Resources
from tests.needs import needs

pytestmark = [pytest.mark.drill, needs("tasks")]

TASK = "/api/v1/tasks/task"
Action = Callable[[httpx2.AsyncClient, int], Awaitable[httpx2.Response]]


@pytest.fixture
async def fleet(
    setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    values = {**setting_values, "DEFAULT_RATE_LIMIT_LIMIT": "10000", "SHUTDOWN_TIMEOUT": "15"}
    fleet = await launched(tmp_path_factory.mktemp("fleet"), values)
    yield fleet
    fleet.stop()


class Load:
    """Clients that go on until they are told to stop; what they were answered."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self.over = fleet, False
        self.answers: Counter[tuple[str, int]] = Counter()
        self.bodies: dict[str, list[Any]] = {}
        self._clients: list[asyncio.Task[None]] = []

    def add(self, name: str, clients: int, pause: float, act: Action) -> None:
        """Let so many clients act, one request after another with a pause between them."""
        self.bodies[name] = []
        for number in range(clients):
            self._clients.append(asyncio.create_task(self._go_on(name, pause, act, number)))

    async def end(self) -> None:
        self.over = True
        await asyncio.gather(*self._clients)

    async def _go_on(self, name: str, pause: float, act: Action, client_number: int) -> None:
        async with self._fleet.client() as client:
            number = client_number * 100_000
            while not self.over:
                number += 1
                try:
                    answer = await act(client, number)
                except httpx2.TransportError as error:
                    self.answers[f"{name}: {error!r}", 0] += 1
                    continue
                self.answers[name, answer.status_code] += 1
                self.bodies[name].append(answer.json())
                await asyncio.sleep(pause)


def read(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    return client.get("/api/v1/users")


def hurry(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    # Refused at once, and never repeated by NGINX: what a badly closed connection swallows shows.
    return client.post("/api/v1/logout")


def register(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    name = f"u{number}"
    values = {"name": name, "username": name, "email": f"{name}@example.com"}
    return client.post("/api/v1/user", json={**values, "password": "correct horse battery"})


def queue(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    return client.post(TASK, params={"message": str(number)})


async def test_a_rolling_restart_under_load_fails_no_request_and_loses_no_job(
    fleet: Fleet, resources: Resources
) -> None:
    load, started = Load(fleet), time.monotonic()
    load.add("read", 4, 0.02, read)
    load.add("hurry", 10, 0.01, hurry)
    load.add("register", 3, 0.03, register)
    load.add("queue", 2, 0.4, queue)
    await asyncio.sleep(1)

    codes = await asyncio.gather(one_by_one(fleet, APIS), one_by_one(fleet, WORKERS))
    await asyncio.sleep(1)
    await load.end()
    print(f"\nrestarted in {time.monotonic() - started:.0f} s under load: {dict(load.answers)}")

    assert [*codes] == [[0, 0, 0], [0, 0]]
    expected = {"read": 200, "hurry": 401, "register": 201, "queue": 201}
    assert load.answers.keys() == set(expected.items())
    async with resources.unit() as db:
        registered = await db.scalar(text('SELECT count(*) FROM "user"'))
    assert registered == load.answers["register", 201]  # nothing was done twice, either
    jobs = [body["id"] for body in load.bodies["queue"]]
    assert await ends_of(fleet, jobs) == Counter({"complete, True": len(jobs)})


async def one_by_one(fleet: Fleet, names: tuple[str, ...]) -> list[int]:
    codes = []
    for name in names:
        codes.append(await fleet.restart(name))
        await asyncio.sleep(2.5)  # NGINX may leave it out for two seconds more
    return codes


async def ends_of(fleet: Fleet, jobs: list[str]) -> Counter[str]:
    """How the jobs ended, or stand after ten seconds."""
    deadline = time.monotonic() + 15
    async with fleet.client() as client:
        while True:
            answers = [await client.get(f"{TASK}/{job_id}") for job_id in jobs]
            bodies = [answer.json() for answer in answers]
            ends = Counter(f"{body.get('status')}, {body.get('success')}" for body in bodies)
            if ends.keys() == {"complete, True"} or time.monotonic() > deadline:
                return ends
            await asyncio.sleep(0.5)
