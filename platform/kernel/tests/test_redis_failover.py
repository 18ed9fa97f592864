"""A replica takes the primary's place: what clients, the cache and the queue make of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kernel.cache.epoch import EPOCH
from kernel.cache.store import VersionedStore
from kernel.config.addresses import redis_urls
from kernel.jobs import arq_queue
from kernel.jobs.job import Job
from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable
from tests.valkey_pair import ValkeyPair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[ValkeyPair]:
    pair = ValkeyPair(tmp_path)
    yield pair
    pair.stop()


@pytest.fixture
async def client(pair: ValkeyPair) -> AsyncIterator[Redis]:
    client = Redis(pair.url, timeout=1)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
async def store(pair: ValkeyPair) -> AsyncIterator[VersionedStore]:
    """A store that sees its client's first connection, as a process's does."""
    client = Redis(pair.url, timeout=1)
    store = VersionedStore(client)
    await client.open()
    yield store
    await store.close()
    await client.close()


async def until_available(client: Redis) -> float:
    begun = time.monotonic()
    while True:
        try:
            await client.execute("SET", "probe", 1)
        except RedisUnavailable:
            assert time.monotonic() - begun < 5
            await asyncio.sleep(0.01)
        else:
            return time.monotonic() - begun


async def test_of_several_servers_the_primary_is_taken_wherever_it_is_named(
    pair: ValkeyPair,
) -> None:
    for number in (0, 1):
        urls = pair.url, pair.servers[1 - pair.primary].url
        for url, available in zip(urls, (True, False), strict=True):
            client = Redis(url, timeout=1)
            await client.open()
            assert client.available == available
            await client.close()
        if number == 0:
            pair.fail_over()


def test_an_address_may_name_several_servers() -> None:
    several = redis_urls("rediss://app:a%2Cb@one:6379,two:6380/3?ssl_cert_reqs=none")

    assert several == [
        "rediss://app:a%2Cb@one:6379/3?ssl_cert_reqs=none",
        "rediss://app:a%2Cb@two:6380/3?ssl_cert_reqs=none",
    ]
    assert redis_urls("unix:///run/a,b.sock?db=4") == ["unix:///run/a,b.sock?db=4"]
    for wrong in ("redis://one:6379,two:many/0", "http://one,two"):
        with pytest.raises(ValueError, match=r".+"):
            redis_urls(wrong)


async def test_a_name_may_lead_to_all_of_them(
    pair: ValkeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [pair.servers[number].port for number in (1 - pair.primary, pair.primary)]

    async def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    client = Redis(f"redis://:{pair.servers[0].secret}@valkey/0", timeout=1)
    await client.open()

    assert await client.execute("SET", "number", 1) == b"OK"
    await client.close()


async def test_a_planned_failover_loses_no_job_that_was_queued(
    pair: ValkeyPair, client: Redis
) -> None:
    queued: list[str] = []
    end = time.monotonic() + 2

    async def queue() -> None:
        while time.monotonic() < end:
            job = Job(id=uuid4().hex, function="tasks.any", arguments={})
            try:
                await arq_queue.put(client, [job])
            except RedisUnavailable:
                await asyncio.sleep(0.01)
            else:
                queued.append(job.id)

    queueing = [asyncio.create_task(queue()) for _ in range(5)]
    await asyncio.sleep(0.3)
    before = len(queued)
    await asyncio.to_thread(pair.fail_over)
    await asyncio.gather(*queueing)

    kept = {one.decode() for one in pair.client(pair.primary).zrange("arq:queue", 0, -1)}
    assert 0 < before < len(queued)
    assert set(queued) <= kept


async def test_a_demoted_primary_answers_no_read_and_the_new_one_is_found(
    pair: ValkeyPair, client: Redis
) -> None:
    await client.execute("SET", "number", 1)

    await asyncio.to_thread(pair.fail_over)
    await asyncio.to_thread(pair.client(pair.primary).set, "number", 2)
    # The demoted one has the old number, or the new one late: neither may be seen.
    with pytest.raises(RedisUnavailable, match="REDIRECT"):
        await client.execute("GET", "number")

    assert await until_available(client) < 1
    assert await client.execute("GET", "number") == b"2"


async def test_a_call_that_waits_for_a_job_ends_and_is_made_again(
    pair: ValkeyPair, client: Redis
) -> None:
    waker = Redis(pair.url, timeout=5)
    await waker.open()
    waiting = asyncio.create_task(waker.execute("BLPOP", "list", 4))
    await asyncio.sleep(0.1)

    await asyncio.to_thread(pair.fail_over)

    with pytest.raises(RedisUnavailable):
        await waiting
    assert await until_available(waker) < 1
    await waker.close()


async def test_a_lost_invalidation_comes_back_with_no_promoted_replica(
    pair: ValkeyPair, store: VersionedStore
) -> None:
    """Replication is asynchronous: what was forgotten last may not have reached the replica."""
    loaded = [b"old"]

    async def load() -> bytes:
        return loaded[-1]

    assert await store.fetch("key", ["name"], load, 60) == b"old"
    await asyncio.sleep(0.1)
    replica = pair.client(1 - pair.primary)
    replica.replicaof("127.0.0.1", 1)  # cut off from the primary; it keeps what it has
    loaded.append(b"new")
    assert await store.forget(["name"])
    assert None not in (replica.get(EPOCH), replica.get("v:name"))

    await asyncio.to_thread(pair.lose_primary)

    deadline = time.monotonic() + 5
    while (await store.read("key", ["name"]))[1] is None:  # until it reaches a primary
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert await store.fetch("key", ["name"], load, 60) == b"new"


async def test_an_epoch_that_no_process_extends_runs_out_although_one_starts(
    pair: ValkeyPair,
) -> None:
    """It may be from before a failover, of processes that died with the primary."""
    before = Redis(pair.url, timeout=1)
    store = VersionedStore(before)
    await before.open()

    async def load_old() -> bytes:
        return b"old"

    async def load_new() -> bytes:
        return b"new"

    await store.fetch("key", ["name"], load_old, 60)
    await asyncio.sleep(0.3)
    await store.close()
    await before.close()

    client = Redis(pair.url, timeout=1)
    started = VersionedStore(client)
    await client.open()
    await asyncio.sleep(1.1)

    assert await started.fetch("key", ["name"], load_new, 60) == b"new"
    await asyncio.sleep(1.3)
    assert await client.execute("GET", EPOCH) is not None  # its own is kept
    await started.close()
    await client.close()


async def test_a_primary_without_its_replicas_serves_no_cached_value_for_long(
    pair: ValkeyPair, store: VersionedStore
) -> None:
    """Cut off with some clients, it may have been replaced: min-replicas-to-write says so."""

    async def load() -> bytes:
        return b"value"

    primary = pair.client(pair.primary)
    primary.config_set("min-replicas-to-write", 1)
    primary.config_set("min-replicas-max-lag", 1)
    await store.fetch("key", ["name"], load, 60)
    assert (await store.read("key", ["name"]))[0] == b"value"

    pair.client(1 - pair.primary).replicaof("NO", "ONE")
    await asyncio.sleep(2.5)

    assert (await store.read("key", ["name"]))[0] is None
