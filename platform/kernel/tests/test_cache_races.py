"""`@cache` under concurrency and trouble, in two applications on one database and one Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from sqlalchemy import text

from kernel.app import Application, create_application
from kernel.cache import single_flight
from kernel.cache.invalidation import forget
from kernel.config.loader import Settings
from kernel.db.errors import is_unavailable
from kernel.resources import TIMEOUTS
from kernel.tests import sample_app
from kernel.tests.fault_proxy import FaultProxy, proxy_to
from tests.application import client_of

LIBRARY = "/api/v1/library"
ROUTES = ["books", "guarded"]
SLOW = 60.0  # seconds, for time-outs that no test is about


class Two:
    """A writing and a reading application, each with a proxy of its own to Redis."""

    def __init__(self, apps: list[Application], wires: list[FaultProxy]) -> None:
        self.writer: httpx2.AsyncClient = client_of(apps[0])
        self.reader: httpx2.AsyncClient = client_of(apps[1])
        self.writing, self.reading = apps
        self.writer_wire, self.reader_wire = wires

    async def put(self, title: str, owner: str = "ada", id: int = 1) -> None:
        answer = await self.writer.post(f"{LIBRARY}/{owner}/book/{id}", params={"title": title})
        assert answer.status_code == 201

    async def titles(self, route: str = "books", owner: str = "ada") -> list[str]:
        answer = await self.reader.get(f"{LIBRARY}/{owner}/{route}")
        assert answer.status_code in (200, 404), answer.text
        return [book["title"] for book in answer.json().get("data", [])]

    async def start_reading(self, route: str, gate: str) -> "asyncio.Task[list[str]]":
        """A reader that is held at the gate, having read."""
        sample_app.gates[gate] = asyncio.Event()
        reading = asyncio.create_task(self.titles(route))
        await asyncio.sleep(0.1)
        assert not reading.done()
        return reading


@pytest.fixture
async def two(
    request: pytest.FixtureRequest,
    setting_values: dict[str, str],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Two]:
    """Their time-out for the cache, in seconds, may be given as the fixture's parameter: else it is
    one that no busy machine runs into, since a Redis that is late is as good as away."""
    monkeypatch.setitem(TIMEOUTS, "cache", getattr(request, "param", SLOW))
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(proxy_to(redis_url)) for _ in range(2)]
        given = [{**setting_values, "REDIS_CACHE_URL": proxy.url} for proxy in wires]
        writing = await stack.enter_async_context(sample_app.library_app(given[0]))
        reading = create_application(Settings(given[1]), routers=[sample_app.router])
        await stack.enter_async_context(reading.router.lifespan_context(reading))
        two = Two([writing, reading], wires)
        await stack.enter_async_context(two.writer)
        await stack.enter_async_context(two.reader)
        yield two


@pytest.mark.parametrize("route", ROUTES)
async def test_who_read_before_a_write_can_t_store_after_it(two: Two, route: str) -> None:
    await two.put("old")
    reading = await two.start_reading(route, "books")
    await two.put("new")
    sample_app.gates.pop("books").set()

    assert await reading == ["old"]  # it began before the write
    assert await two.titles(route) == ["new"]


async def test_a_dependency_that_read_before_a_write_can_t_store_after_it(two: Two) -> None:
    await two.put("hers")
    await two.put("his", "bob", 2)
    reading = await two.start_reading("guarded", "owner")
    await two.writer.patch(f"{LIBRARY}/ada?name=eve")
    await two.writer.patch(f"{LIBRARY}/bob?name=ada")
    sample_app.gates.pop("owner").set()

    assert await reading == ["hers"]
    assert await two.titles("guarded") == ["his"]


@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_read_during_a_write_is_not_served_after_it(two: Two, route: str) -> None:
    await two.put("old")
    await two.titles(route)
    sample_app.gates["write"] = asyncio.Event()
    writing = asyncio.create_task(two.put("new"))
    await asyncio.sleep(0.1)

    assert await two.titles(route) == ["old"]  # it isn't committed
    sample_app.gates.pop("write").set()
    await writing

    assert await two.titles(route) == ["new"]


async def test_a_commit_that_fails_leaves_nothing_marked(two: Two) -> None:
    await two.put("old")
    await two.titles()
    resources = two.writing.state.resources
    unit = resources.unit()
    await unit.execute(text("DELETE FROM library_book"))
    forget(unit, "ada_books:*")
    pid = await unit.scalar(text("SELECT pg_backend_pid()"))
    async with resources.unit() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(Exception) as failed:  # noqa: PT011 - the driver's words differ
        await unit.finish()
    assert is_unavailable(failed.value)
    sample_app.loads.clear()

    for _ in range(3):
        assert await two.titles() == ["old"]
    assert len(sample_app.loads) == 1


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers wait as long as a slow machine takes for all of them, which run in one thread."""
    monkeypatch.setattr(single_flight, "WAIT_SECONDS", SLOW)
    monkeypatch.setattr(single_flight, "LOCK_MS", int(SLOW * 1000))


@pytest.mark.usefixtures("long_waits")
async def test_two_hundred_misses_at_once_load_once(two: Two) -> None:
    await two.put("one")
    clients = [two.reader, two.writer] * 100

    answers = await asyncio.gather(*[client.get(f"{LIBRARY}/ada/books") for client in clients])

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(sample_app.loads) == 1


@pytest.mark.usefixtures("long_waits")
async def test_who_waits_for_a_load_holds_no_connection(two: Two) -> None:
    await two.put("one")
    await two.put("his", "bob", 2)
    reading = await two.start_reading("guarded", "books")
    waiting = [asyncio.create_task(two.titles("guarded")) for _ in range(40)]
    await asyncio.sleep(0.2)
    gate = sample_app.gates.pop("books")

    # With fewer connections than readers that wait, this would be a 503.
    assert await two.titles("books", "bob") == ["his"]

    gate.set()
    assert await reading == ["one"]
    assert await asyncio.gather(*waiting) == [["one"]] * 40
    assert sample_app.loads.count("books of 1") == 1


@pytest.mark.parametrize("two", [0.5], indirect=True)
@pytest.mark.parametrize("trouble", ["stalled", "cut off", "flushed"])
async def test_trouble_with_redis_costs_misses_and_never_an_error(two: Two, trouble: str) -> None:
    await two.put("old")
    assert await two.titles() == ["old"]
    for proxy in (two.writer_wire, two.reader_wire):
        if trouble == "stalled":
            proxy.stall()
        elif trouble == "cut off":
            await proxy.unplug()
    if trouble == "flushed":
        await two.writing.state.resources.redis("cache").execute("FLUSHALL")

    started = time.perf_counter()
    for number in range(20):
        await two.put(f"new{number}")
        assert await two.titles() == [f"new{number}"]
    assert time.perf_counter() - started < 20  # no time-out for each of the 40 calls and more

    for proxy in (two.writer_wire, two.reader_wire):
        if trouble == "stalled":
            proxy.flow()
        elif trouble == "cut off":
            await proxy.plug()
    for app in (two.writing, two.reading):
        async with asyncio.timeout(30):
            while not app.state.resources.redis("cache").available:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert await two.titles() == ["new19"]
    sample_app.loads.clear()
    assert await two.titles() == ["new19"]
    assert sample_app.loads == []


async def test_a_writer_that_alone_lost_redis_is_heard_when_it_is_back(two: Two) -> None:
    await two.put("old")
    assert await two.titles() == ["old"]
    await two.writer_wire.unplug()
    await two.put("new")
    await two.writer_wire.plug()

    async with asyncio.timeout(30):
        while await two.titles() != ["new"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_cache_that_is_turned_off_changes_nothing_else(
    setting_values: dict[str, str],
) -> None:
    async with (
        sample_app.library_app({**setting_values, "REDIS_CACHE_URL": "off"}) as app,
        client_of(app) as client,
    ):
        for title in ("one", "two"):
            await client.post(f"{LIBRARY}/ada/book/1?title={title}")
            for _ in range(2):
                answer: httpx2.Response = await client.get(f"{LIBRARY}/ada/books")
                assert answer.json() == {"data": [{"id": 1, "title": title}]}
                assert answer.headers["etag"]
    assert len(sample_app.loads) == 4
