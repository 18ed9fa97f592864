"""Servers that go and come back, clients that hold on, a clock that is set, all under load: answers
in bounded time, nothing confirmed is lost or left over, and no restart of the API is needed."""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from infra.drills import idle_clients
from infra.drills.fault_stack import DATABASE, Load, Servers, gauge, small_disk, under_load
from infra.drills.fleet import unused_ports
from infra.drills.invariants import until
from infra.drills.test_worker import own_memory
from tests.accounts import Person
from tests.application import SECRET_KEY
from tests.needs import needs
from tests.served import Api, serving

pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    needs("posts"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc"),
]

ANSWERED = 16.0  # seconds: a wait for a connection, and a statement, each to its end
RECOVERED = 8.0  # seconds from the end of a fault to the first good answer
GROWTH = 12.0  # MiB
PEOPLE = 4
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, small_disk(Path(folder)):
        found = Servers(Path(folder))
        try:
            found.migrate()
            yield found
        finally:
            found.signal(signal.SIGCONT)
            found.stop()


@dataclass
class Stack:
    """The API on these servers."""

    servers: Servers
    api: Api
    metrics: int
    people: list[Person]

    async def connections(self) -> int:
        """Of the API, as PostgreSQL counts them."""
        connection = await asyncpg.connect(self.servers.postgres.url_of(DATABASE))
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'api'"
        )
        await connection.close()
        return int(found)

    async def lost(self, titles: list[str]) -> set[str]:
        """Those that were confirmed and aren't there."""
        connection = await asyncpg.connect(self.servers.postgres.url_of(DATABASE))
        rows = await connection.fetch("SELECT title FROM post")
        await connection.close()
        return set(titles) - {row["title"] for row in rows}


@pytest.fixture
async def stack(servers: Servers, tmp_path: Path) -> AsyncIterator[Stack]:
    async with running(servers, tmp_path) as stack:
        yield stack


@asynccontextmanager
async def running(servers: Servers, folder: Path, **more: str) -> AsyncIterator[Stack]:
    """The API with people who have logged in."""
    [port] = unused_ports(1)
    values = {
        **servers.settings(),
        "SECRET_KEY": SECRET_KEY,
        "PASSWORD_HASH_COST": "4",
        "REGISTRATION_LIMIT": "1000",
        "METRICS": "on",
        "METRICS_PORT": str(port),
        **more,
    }
    with serving(folder, values, "kernel.main:app") as api:
        async with AsyncExitStack() as clients:
            people = []
            for _ in range(PEOPLE):
                base = "http://{}:{}".format(*api.address)
                person = Person(base_url=base, timeout=60)
                await clients.enter_async_context(person)
                await person.register(f"p{time.time_ns()}"[:20])
                await person.login()
                people.append(person)
            yield Stack(servers, api, port, people)


async def restart(stack: Stack) -> None:
    """Five times, with a second of life in between."""
    for _ in range(5):
        await asyncio.to_thread(stack.servers.restart)
        await asyncio.sleep(1)


async def pause(stack: Stack) -> None:
    """Both stand for ten seconds, their connections open."""
    stack.servers.signal(signal.SIGSTOP)
    await asyncio.sleep(10)
    stack.servers.signal(signal.SIGCONT)


async def cut(stack: Stack) -> None:
    """Every connection, ten times."""
    for _ in range(10):
        await stack.servers.cut()
        await asyncio.sleep(0.5)


async def lock(stack: Stack) -> None:
    """The table of users is locked for 30 seconds, as by a migration without a time-out."""
    connection = await asyncpg.connect(stack.servers.postgres.url_of(DATABASE))
    async with connection.transaction():
        await connection.execute('LOCK TABLE "user" IN ACCESS EXCLUSIVE MODE')
        await asyncio.sleep(30)
    await connection.close()


async def fill(stack: Stack) -> None:
    """The disk of both is full for ten seconds. A server that gives up is started again, as a
    supervisor does."""
    stack.servers.fill()
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.servers.make_room)


async def idle(stack: Stack) -> None:
    """2,000 connections from 25 addresses say nothing; none is kept for longer than allowed."""
    await idle_clients.say_nothing(stack.api.address, connections=2000, addresses=25, seconds=15)


async def slow(stack: Stack) -> None:
    """A hundred clients read a byte at a time, a hundred send one, for fifteen seconds."""
    await idle_clients.crawl(stack.api.address, clients=100, seconds=15)


@pytest.mark.parametrize("fault", [restart, pause, cut, lock, fill, idle, slow])
async def test_a_fault_under_load_costs_bounded_time_and_nothing_confirmed(
    stack: Stack, fault: Callable[[Stack], Awaitable[None]]
) -> None:
    if fault is fill and not stack.servers.is_small:
        pytest.skip("a small disk of its own needs the right to mount one")
    async with under_load(stack.people):
        await asyncio.sleep(2)  # what is made once has been made
    memory = own_memory(stack.api.process.pid)

    async with under_load(stack.people) as load:
        await asyncio.sleep(1)
        await fault(stack)
        recovered = await good_again(load)
        await asyncio.sleep(2)
    await asyncio.sleep(2)

    grown = own_memory(stack.api.process.pid) - memory
    print(f"\n{fault.__name__}: {grown:+.1f} MiB (bound {GROWTH:g})", end="")
    assert set(load.statuses) <= {200, 201, 503}
    assert grown <= GROWTH
    await all_is_well(stack, load, recovered)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime isn't there: apt-get install faketime")
async def test_a_clock_that_is_set_costs_bounded_time_and_nothing_confirmed(
    servers: Servers, tmp_path: Path
) -> None:
    """The API's own clock goes an hour ahead, then two hours back, then right again."""
    offset = tmp_path / "offset"
    offset.write_text("+0")
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset)}
    unmoved = {"FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
    async with running(servers, tmp_path, **clock, **unmoved) as stack:
        async with under_load(stack.people) as load:
            for hours in ("+1h", "-1h", "+0"):
                await asyncio.sleep(5)
                offset.write_text(hours)
            recovered = await good_again(load)
        # An access token is good for half an hour; who has an expired one is asked to log in.
        assert set(load.statuses) <= {200, 201, 401, 503}
        assert load.statuses[401]
        print("\na clock that is set", end="")
        await all_is_well(stack, load, recovered)


async def good_again(load: Load) -> float:
    """Seconds from now until a good answer."""
    ended, load.good_at = time.monotonic(), 0.0

    async def good() -> bool:
        return load.good_at > 0

    await until(good, 30)
    return load.good_at - ended


async def all_is_well(stack: Stack, load: Load, recovered: float) -> None:
    """Print what the fault has cost, and hold the bounds."""
    lost = await stack.lost(load.confirmed)
    connections = await stack.connections()
    print(
        f": {dict(sorted(load.statuses.items()))}, slowest {load.slowest:.1f} s "
        f"(bound {ANSWERED:g}), good again after {recovered:.1f} s (bound {RECOVERED:g}), "
        f"{len(load.confirmed)} confirmed and {len(lost)} lost, {connections} connections"
    )
    assert load.slowest <= ANSWERED
    assert recovered <= RECOVERED
    assert lost == set()
    assert connections <= 15
    await nothing_is_left(stack)


async def nothing_is_left(stack: Stack) -> None:
    """What the API itself says of what it holds."""
    assert await gauge(stack.metrics, "http_requests_in_flight") == 0
    assert await gauge(stack.metrics, "db_pool_connections", state="in_use") == 0
    assert await gauge(stack.metrics, "redis_up", role="cache") == 1
    assert stack.api.process.poll() is None
