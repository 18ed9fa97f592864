"""Durable jobs while everything is killed: each committed order is shipped once, no other is."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import httpx2
import pytest

from infra.drills.actors import Environment, seed_of_this_run, stage
from infra.drills.demo_app import TABLES
from infra.drills.invariants import Books, until
from tests.needs import needs_outbox

pytestmark = [pytest.mark.drill, needs_outbox]

CHAOS = 22.0  # seconds
SETTLING = 40.0  # seconds
CLIENTS = 6
LEASE = 2
WORKERS = ("worker1", "worker2")


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Books]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(TABLES)
    yield Books(connection)
    await connection.execute("DROP TABLE drill_order, drill_effect")
    await connection.close()


@pytest.fixture
def actors(setting_values: dict[str, str], books: Books) -> Iterator[Environment]:
    values = {
        **setting_values,
        "LOG_LEVEL": "INFO",
        "WORKER_LEASE": str(LEASE),
        "WORKER_DRAIN_TIMEOUT": "2",
    }
    with stage(values) as actors:
        yield actors


async def until_ready(client: httpx2.AsyncClient, url: str) -> None:
    async def answers() -> bool:
        with suppress(httpx2.TransportError):
            return (await client.get(url.replace("/api/v1", "/health"))).status_code == 200
        return False

    await until(answers, 60)


async def order(client: httpx2.AsyncClient, url: str, seconds: float, **more: Any) -> int | None:
    """The order's id when it was answered, else None: its outcome is unknown."""
    parameters = {"seconds": seconds, **more}
    with suppress(httpx2.TransportError):
        answer = await client.post(f"{url}/drill/orders", params=parameters)
        if answer.status_code == 201:
            return int(answer.json()["id"])
        assert answer.status_code in (409, 503), answer.text
    return None


async def send_orders(client: httpx2.AsyncClient, url: str, name: str, end: float) -> list[int]:
    chance, confirmed = random.Random(name), []
    while time.monotonic() < end:
        refused = chance.random() < 0.2
        # Some take long enough for a second attempt to begin before the first has ended.
        seconds = chance.uniform(1, 3) if chance.random() < 0.15 else chance.uniform(0, 0.3)
        number = await order(client, url, seconds, risk=0.1, refused=refused)
        if number is not None:
            confirmed.append(number)
        await asyncio.sleep(chance.uniform(0.1, 0.5))
    return confirmed


async def kill_at_random(actors: Environment, chance: random.Random, end: float) -> list[str]:
    """Kill one after the other, or hold a worker until another one has taken its jobs."""
    done: list[str] = []
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        name = chance.choice(["api", "redis", *WORKERS, "held"])
        done.append(name)
        if name == "held":
            worker = chance.choice(WORKERS)
            actors.send(worker, signal.SIGSTOP)
            await asyncio.sleep(LEASE + 1.5)
            actors.send(worker, signal.SIGCONT)
            continue
        actors.kill(name)
        await asyncio.sleep(chance.uniform(0, 0.8))
        # Starting Redis waits for it, which must not stop the clients.
        await asyncio.to_thread(actors.start, name)
    return done


async def test_each_order_is_shipped_once_whatever_is_killed(
    actors: Environment, books: Books
) -> None:
    seed = seed_of_this_run()
    for name in ("api", *WORKERS):
        actors.start(name)
    async with httpx2.AsyncClient(timeout=5) as client:
        await until_ready(client, actors.url)
        end = time.monotonic() + CHAOS

        killing = asyncio.create_task(kill_at_random(actors, random.Random(seed), end))
        streams = [send_orders(client, actors.url, f"{seed}-{n}", end) for n in range(CLIENTS)]
        confirmed = await asyncio.gather(*streams)
        killed = await killing
        settled = await books.settle(SETTLING)

    numbers = {number for numbers in confirmed for number in numbers}
    undone = sum(actors.log(name).count("this attempt is undone") for name in WORKERS)
    print(
        f"{dict(Counter(killed))}, {len(numbers)} orders confirmed, "
        f"{undone} second attempts undone, settled in {settled:.1f} s"
    )
    assert len(numbers) > 50
    assert numbers <= set(await books.numbers("SELECT id FROM drill_order"))
    await books.assert_each_order_is_shipped_once()


async def test_a_killed_workers_jobs_run_again_soon(actors: Environment, books: Books) -> None:
    actors.start("api")
    actors.start("doomed")
    async with httpx2.AsyncClient(timeout=5) as client:
        await until_ready(client, actors.url)
        for _ in range(5):
            # Longer than the heir takes to start.
            assert await order(client, actors.url, seconds=15)
    await until(lambda: books.are("status = 'in_progress'", 5))
    actors.start("heir")
    await until(lambda: asyncio.to_thread(lambda: "worker ready" in actors.log("heir")))

    actors.kill("doomed")
    again = await until(lambda: books.are("tries = 2", 5))

    print(f"all five run again after {again:.1f} s, with a lease of {LEASE} s")
    assert again < LEASE + 5
    await books.settle(SETTLING)
    await books.assert_each_order_is_shipped_once()


async def test_a_drain_under_load_loses_nothing(actors: Environment, books: Books) -> None:
    for name in ("api", "leaving"):
        actors.start(name)
    async with httpx2.AsyncClient(timeout=5) as client:
        await until_ready(client, actors.url)
        chance = random.Random(seed_of_this_run())
        for _ in range(25):
            assert await order(client, actors.url, chance.uniform(0.1, 3.5))
    await until(lambda: books.are("status = 'in_progress'", 10))

    begun = time.monotonic()
    code = await asyncio.to_thread(actors.terminate, "leaving", 20)
    took = time.monotonic() - begun
    running = await books.count("job WHERE status = 'in_progress'")
    waiting = await books.count("job WHERE finished_at IS NULL")
    actors.start("staying")
    await books.settle(SETTLING)

    print(f"exit code {code} after {took:.1f} s, with {waiting} jobs to go")
    assert code == 0
    assert took < 2 + 8
    assert running == 0
    assert 0 < waiting < 25
    await books.assert_each_order_is_shipped_once()
