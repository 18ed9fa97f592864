"""What many miss at once is loaded once, by one process for all, and no caller waits for ever."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from kernel.cache import single_flight
from kernel.cache.store import VersionedStore
from kernel.redis.client import Redis
from kernel.tests import processes


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis(redis_url, timeout=1.0)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
async def versions(redis: Redis) -> AsyncIterator[VersionedStore]:
    versions = VersionedStore(redis)
    yield versions
    await versions.close()


class Load:
    """A slow load that counts itself."""

    def __init__(self, value: bytes | None = b"value", seconds: float = 0.05) -> None:
        self.count, self._value, self._seconds = 0, value, seconds

    async def __call__(self) -> bytes | None:
        self.count += 1
        await asyncio.sleep(self._seconds)
        return self._value


async def test_two_hundred_misses_in_three_processes_load_once(
    redis: Redis, redis_url: str
) -> None:
    values = await processes.run("read", redis_url, 3, 70)

    assert values == [["b'value'"]] * 3
    assert await redis.execute("GET", "loads") == b"1"


async def test_a_value_that_landed_meanwhile_is_not_loaded_again(versions: VersionedStore) -> None:
    load = Load()
    _, early = await versions.read("key", ["x"])
    await versions.fetch("key", ["x"], load, 60)

    assert await versions.fill(early, ["x"], load, 60) == b"value"
    assert load.count == 1


async def test_who_comes_after_an_answered_write_joins_no_older_load(
    versions: VersionedStore,
) -> None:
    old, new = Load(b"old", seconds=0.2), Load(b"new")
    early = asyncio.create_task(versions.fetch("key", ["x"], old, 60))
    await asyncio.sleep(0.05)
    await versions.announce(["x"], "a")
    await versions.forget(["x"], "a")

    assert await versions.fetch("key", ["x"], new, 60) == b"new"
    assert await early == b"old"
    assert await versions.fetch("key", ["x"], old, 60) == b"new"


async def test_a_load_that_fails_fails_no_other_caller(versions: VersionedStore) -> None:
    begun = 0

    async def load() -> bytes:
        nonlocal begun
        begun += 1
        first = begun == 1
        await asyncio.sleep(0.02)
        if first:
            raise ZeroDivisionError
        return b"value"

    reads = [versions.fetch("key", ["x"], load, 60) for _ in range(3)]
    results = await asyncio.gather(*reads, return_exceptions=True)

    assert isinstance(results[0], ZeroDivisionError)
    assert results[1:] == [b"value", b"value"]


async def test_a_reader_that_goes_away_leaves_the_others_their_answer(
    versions: VersionedStore,
) -> None:
    load = Load(seconds=0.1)
    leader = asyncio.create_task(versions.fetch("key", ["x"], load, 60))
    await asyncio.sleep(0.02)
    others = [asyncio.create_task(versions.fetch("key", ["x"], load, 60)) for _ in range(2)]
    await asyncio.sleep(0.02)
    leader.cancel()

    assert await asyncio.gather(*others) == [b"value", b"value"]


async def test_what_must_not_be_kept_is_loaded_by_each(versions: VersionedStore) -> None:
    load = Load(value=None, seconds=0.01)

    for _ in range(2):
        assert await versions.fetch("key", ["x"], load, 60) is None
    assert load.count == 2


async def test_no_caller_waits_longer_than_the_timeout(
    versions: VersionedStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_flight, "WAIT_SECONDS", 0.2)
    _, ticket = await versions.read("key", ["x"])
    assert ticket is not None
    # A process that is stopped in the middle of its load.
    lock = f"l:key:{ticket.header.decode()}"
    await redis.execute("SET", lock, "1", "PX", 5000)
    load = Load()
    started = time.perf_counter()
    reads = [versions.fetch("key", ["x"], load, 60) for _ in range(3)]

    assert await asyncio.gather(*reads) == [b"value"] * 3
    assert 0.2 <= time.perf_counter() - started < 4
    assert await redis.execute("EXISTS", lock) == 1  # it isn't ours to remove


async def test_a_dead_loader_s_lock_runs_out(versions: VersionedStore, redis: Redis) -> None:
    load = Load()
    await versions.fetch("key", ["x"], load, 60)

    assert await redis.execute("KEYS", "l:*") == []
    slow = asyncio.create_task(versions.fetch("other", ["x"], Load(seconds=0.1), 60))
    await asyncio.sleep(0.05)
    (lock,) = await redis.execute("KEYS", "l:*")
    assert 0 < await redis.execute("PTTL", lock) <= single_flight.LOCK_MS
    await slow


async def test_who_waits_goes_on_when_the_loading_request_is_cancelled(
    versions: VersionedStore,
) -> None:
    load = Load(seconds=0.2)
    leading = asyncio.create_task(versions.fetch("key", ["x"], load, 60))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(versions.fetch("key", ["x"], load, 60)) for _ in range(3)]
    await asyncio.sleep(0.05)

    leading.cancel()

    async with asyncio.timeout(30):
        assert await asyncio.gather(*waiting) == [b"value"] * 3
    with pytest.raises(asyncio.CancelledError):
        await leading
    assert await versions.fetch("key", ["x"], load, 60) == b"value"
