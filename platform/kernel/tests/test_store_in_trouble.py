"""Versioned values while Redis is away: misses, never errors, and nothing forgotten comes back."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from infra.local.valkey import start_valkey
from kernel.cache import epoch
from kernel.cache.store import VersionedStore
from kernel.redis.client import Redis
from kernel.tests.fault_proxy import FaultProxy, proxy_to

TIMEOUT = 0.2


class Process:
    """What stands for one process: a client of its own, by its own proxy."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.redis = Redis(proxy.url, TIMEOUT)
        self.versions = VersionedStore(self.redis)

    async def keep(self, value: bytes, name: str = "x") -> None:
        """Store a value under the name."""
        found, ticket = await self.versions.read(name, [name])
        assert (found, bool(ticket)) == (None, True)
        assert ticket is not None
        await self.versions.store(ticket, value, 600)
        assert await self.hit(name) == value

    async def hit(self, name: str = "x") -> bytes | None:
        return (await self.versions.read(name, [name]))[0]

    async def write(self, name: str = "x") -> bool:
        """Mark, commit and forget; whether Redis has taken it."""
        marked = await self.versions.announce([name], "token")
        return await self.versions.forget([name], "token") and marked

    async def redis_is_back(self) -> bool:
        """Wait until it is."""
        async with asyncio.timeout(30):
            while not self.redis.available:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        return True

    async def die(self) -> None:
        await self.versions.close()
        await self.redis.close()


@asynccontextmanager
async def process(url: str) -> AsyncIterator[Process]:
    async with proxy_to(url) as proxy:
        one = Process(proxy)
        await one.redis.open()
        yield one
        await one.die()


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes on one Redis."""
    async with process(redis_url) as writer, process(redis_url) as reader:
        yield writer, reader


async def gone(reader: Process, name: str = "x", seconds: float = 30.0) -> None:
    """Wait until the value isn't a hit any more."""
    async with asyncio.timeout(seconds):
        while await reader.hit(name) is not None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def test_what_was_forgotten_in_vain_is_forgotten_once_redis_is_back(
    two: tuple[Process, Process],
) -> None:
    writer, reader = two
    await reader.keep(b"old")
    await writer.proxy.unplug()
    assert not await writer.write()

    await writer.proxy.plug()

    await gone(reader)


async def test_a_hiccup_costs_only_what_was_written_during_it(
    two: tuple[Process, Process],
) -> None:
    writer, reader = two
    await reader.keep(b"old")
    await reader.keep(b"other", "y")
    writer.proxy.stall()
    assert not await writer.write()

    writer.proxy.flow()

    await gone(reader)
    assert await reader.hit("y") == b"other"
    assert writer.proxy.connections == 1


async def test_a_write_while_redis_comes_back_is_not_lost(two: tuple[Process, Process]) -> None:
    """Its hook has ended the epoch already, and the breaker isn't closed yet."""
    writer, reader = two
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def hook(connection: object, fresh: bool) -> None:
        begun.set()
        await may_end.wait()

    writer.redis.on_connect(hook)
    writer.proxy.cut()
    await begun.wait()
    await reader.keep(b"old")  # under the new epoch
    assert not await writer.write()

    may_end.set()

    await gone(reader)


async def test_nothing_of_before_an_outage_is_served_after_it_though_the_writer_has_died(
    tmp_path: Path,
) -> None:
    server = start_valkey(tmp_path, durable=False)  # no other process extends its epoch
    async with AsyncExitStack() as stack:
        stack.callback(server.stop)
        writer = await stack.enter_async_context(process(server.url))
        reader = await stack.enter_async_context(process(server.url))
        await reader.keep(b"old")
        reader.proxy.stall()
        await writer.proxy.unplug()
        assert not await writer.write()
        await writer.die()
        await asyncio.sleep(epoch.EPOCH_MS / 1000 + 0.1)

        reader.proxy.flow()

        assert await reader.redis_is_back()
        assert await reader.hit() is None


async def test_a_process_that_starts_or_ends_costs_no_entry(redis_url: str) -> None:
    async with process(redis_url) as one:
        await one.keep(b"value")
        async with process(redis_url) as another:
            assert await another.hit() == b"value"

        assert await one.hit() == b"value"


async def test_a_process_that_could_never_connect_pays_when_it_can(redis_url: str) -> None:
    async with process(redis_url) as reader, proxy_to(redis_url) as proxy:
        await proxy.unplug()
        writer = Process(proxy)
        await writer.redis.open()
        await reader.keep(b"old")
        assert not await writer.write()

        await proxy.plug()

        await gone(reader)
        await writer.die()


async def test_too_many_pending_invalidations_forget_everything(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = two
    monkeypatch.setattr(epoch, "MAX_PENDING", 10)
    await reader.keep(b"old", "last")
    await reader.keep(b"other", "y")
    writer.proxy.stall()
    for number in range(20):
        await writer.write(f"name{number}")
    await writer.write("last")

    writer.proxy.flow()

    await gone(reader, "last")
    await gone(reader, "y")


async def test_forgetting_works_while_redis_has_no_memory_left(
    two: tuple[Process, Process],
) -> None:
    writer, reader = two
    await reader.keep(b"old")
    await writer.redis.execute("CONFIG", "SET", "maxmemory", "1")
    try:
        assert not await writer.versions.announce(["x"], "token")
        assert await writer.versions.forget(["x"], "token")
        assert await reader.hit() is None
    finally:
        await writer.redis.execute("CONFIG", "SET", "maxmemory", "0")
    await reader.keep(b"new")


async def test_a_killed_redis_that_kept_its_data_serves_nothing_old(tmp_path: Path) -> None:
    server = start_valkey(tmp_path, durable=True)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(process(server.url))
        reader = await stack.enter_async_context(process(server.url))
        await reader.keep(b"old")
        server.child.process.send_signal(signal.SIGKILL)
        server.child.process.wait()
        assert not await writer.write()
        await writer.die()

        server = start_valkey(tmp_path, durable=True)
        try:
            assert await reader.redis_is_back()
            assert await reader.redis.execute("EXISTS", "e:x") == 1  # it has kept it
            assert await reader.hit() is None
            await reader.keep(b"new")
        finally:
            server.stop()


@pytest.mark.parametrize("seconds", [0.3, 1.5])
async def test_a_stopped_redis_costs_time_outs_and_nothing_else(
    tmp_path: Path, seconds: float
) -> None:
    server = start_valkey(tmp_path, durable=False)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(process(server.url))
        reader = await stack.enter_async_context(process(server.url))
        await reader.keep(b"old")
        server.child.process.send_signal(signal.SIGSTOP)
        started = time.perf_counter()
        assert await reader.hit() is None
        assert not await writer.write()
        assert time.perf_counter() - started < 5
        await asyncio.sleep(seconds)

        server.child.process.send_signal(signal.SIGCONT)

        assert await reader.redis_is_back()
        assert await writer.redis_is_back()
        assert await reader.hit() is None
        await reader.keep(b"new")
        server.stop()


async def test_flushing_redis_costs_misses_only(two: tuple[Process, Process]) -> None:
    writer, reader = two
    await reader.keep(b"old")
    await writer.redis.execute("FLUSHALL")

    assert await reader.hit() is None
    await reader.keep(b"new")
    assert await writer.write()
    assert await reader.hit() is None
