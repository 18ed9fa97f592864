"""Versioned values: no order of readers and writers brings back what an answered write replaced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from kernel.cache.store import VersionedStore
from kernel.cache.ticket import Ticket
from kernel.redis.client import Redis

Step = Callable[[], Awaitable[None]]


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


def interleavings(*lengths: int) -> Iterator[list[int]]:
    """Every order in which actors can take their steps, as the numbers of who is next."""
    if not any(lengths):
        yield []
    for actor, left in enumerate(lengths):
        if left:
            shorter = [n - (actor == number) for number, n in enumerate(lengths)]
            yield from ([actor, *rest] for rest in interleavings(*shorter))


class World:
    """A database of one value, the letters of all committed writers, and what is answered."""

    def __init__(self, versions: VersionedStore, name: str) -> None:
        self._versions, self._names = versions, [name]
        self._committed = self.answered = ""
        self._name = name

    def writer(self, letter: str) -> list[Step]:
        async def mark() -> None:
            assert await self._versions.announce(self._names, letter)

        async def commit() -> None:
            self._committed += letter

        async def forget() -> None:
            assert await self._versions.forget(self._names, letter)
            self.answered += letter

        return [mark, commit, forget]

    def reader(self) -> list[Step]:
        ticket: Ticket | None = None
        loaded = b""

        async def read() -> None:
            nonlocal ticket
            value, ticket = await self._versions.read(self._name, self._names)
            self.check(value)

        async def load() -> None:
            nonlocal loaded
            loaded = self._committed.encode()

        async def store() -> None:
            if ticket is not None:
                await self._versions.store(ticket, loaded, 60)

        return [read, load, store]

    async def look(self) -> None:
        value, _ = await self._versions.read(self._name, self._names)
        self.check(value)

    def check(self, hit: bytes | None) -> None:
        if hit is not None:
            assert set(self.answered) <= set(hit.decode()), f"{hit!r} after {self.answered}"

    async def play(self, order: list[int], actors: list[list[Step]], look: bool) -> None:
        left = [iter(steps) for steps in actors]
        for actor in order:
            await next(left[actor])()
            if look:
                await self.look()
        await self.look()


@pytest.mark.parametrize("look", [False, True])
async def test_no_order_of_a_reader_and_a_writer_is_stale(
    versions: VersionedStore, look: bool
) -> None:
    for number, order in enumerate(interleavings(3, 3)):
        world = World(versions, f"name{number}{look}")

        await world.play(order, [world.reader(), world.writer("a")], look)


@pytest.mark.parametrize("cast", ["one reader, two writers", "two readers, one writer"])
async def test_no_order_of_three_is_stale(versions: VersionedStore, cast: str) -> None:
    async def one(number: int, order: list[int]) -> None:
        world = World(versions, f"name{number}")
        actors = [world.reader(), world.writer("a")]
        actors.append(world.writer("b") if cast.endswith("writers") else world.reader())
        await world.play(order, actors, look=False)

    await asyncio.gather(
        *[one(number, order) for number, order in enumerate(interleavings(3, 3, 3))]
    )


async def test_flushing_redis_at_any_moment_brings_nothing_back(
    versions: VersionedStore, redis: Redis
) -> None:
    async def flush() -> None:
        await redis.execute("FLUSHALL")

    for number, order in enumerate(interleavings(3, 3)):
        for moment in range(7):
            world = World(versions, f"name{number}.{moment}")
            actors: list[list[Step]] = [world.reader(), world.writer("a"), [flush]]
            await world.play([*order[:moment], 2, *order[moment:]], actors, look=False)


async def test_the_first_writer_to_end_does_not_clear_the_other_s_mark(
    versions: VersionedStore,
) -> None:
    await versions.announce(["x"], "a")
    await versions.announce(["x"], "b")
    await versions.forget(["x"], "a")
    assert await versions.read("key", ["x"]) == (None, None)

    await versions.forget(["x"], "b")
    value, ticket = await versions.read("key", ["x"])
    assert value is None
    assert ticket is not None


async def test_a_writer_that_dies_after_its_commit_leaves_nothing_to_hit(
    versions: VersionedStore, redis: Redis
) -> None:
    _, before = await versions.read("key", ["x"])
    assert before is not None
    await versions.store(before, b"old", 600)

    await versions.announce(["x"], "dead")  # it commits, and is never heard of again

    assert await versions.read("key", ["x"]) == (None, None)
    assert 29_000 < await redis.execute("PTTL", "v:x") <= 30_000
    await redis.execute("PEXPIRE", "v:x", 1)
    await asyncio.sleep(0.01)
    value, ticket = await versions.read("key", ["x"])
    assert value is None
    assert ticket is not None


async def test_a_store_does_not_lengthen_a_mark(versions: VersionedStore, redis: Redis) -> None:
    _, ticket = await versions.read("key", ["x", "y"])
    assert ticket is not None
    await versions.announce(["x"], "dead")
    await versions.store(ticket, b"old", 600)

    assert await redis.execute("PTTL", "v:x") <= 30_000
    assert await redis.execute("EXISTS", "e:key") == 0


async def test_forgetting_a_name_that_many_entries_stand_on_costs_one_command(
    versions: VersionedStore, redis: Redis
) -> None:
    for number in range(500):
        _, ticket = await versions.read(f"key{number}", ["space:*", f"space:{number}"])
        assert ticket is not None
        await versions.store(ticket, b"value", 60)
    await redis.execute("CONFIG", "RESETSTAT")

    await versions.forget(["space:*"])

    hits = [await versions.read(f"key{n}", ["space:*", f"space:{n}"]) for n in range(500)]
    assert all(value is None for value, _ in hits)
    stats = (await redis.execute("INFO", "commandstats")).decode()
    assert "cmdstat_del:calls=1," in stats
    for word in ("keys:", "scan:", "unlink:", "flushdb:"):
        assert f"cmdstat_{word}" not in stats


async def test_a_hit_is_one_command(versions: VersionedStore, redis: Redis) -> None:
    _, ticket = await versions.read("key", ["x", "y", "z"])
    assert ticket is not None
    await versions.store(ticket, b"value", 60)
    await redis.execute("CONFIG", "RESETSTAT")

    for _ in range(10):
        assert await versions.read("key", ["x", "y", "z"]) == (b"value", None)

    stats = (await redis.execute("INFO", "commandstats")).decode()
    assert "cmdstat_mget:calls=10," in stats
    assert "cmdstat_get:" not in stats


async def test_names_that_nothing_is_stored_under_are_soon_gone(
    versions: VersionedStore, redis: Redis
) -> None:
    await versions.read("key", ["wrong:path"])
    _, ticket = await versions.read("other", ["right:path"])
    assert ticket is not None
    await versions.store(ticket, b"value", 600)

    assert await redis.execute("PTTL", "v:wrong:path") <= 20_000
    assert await redis.execute("PTTL", "v:right:path") > 590_000


async def test_without_a_redis_every_read_is_a_miss() -> None:
    versions = VersionedStore(None)
    loads = 0

    async def load() -> bytes:
        nonlocal loads
        loads += 1
        return b"value"

    for _ in range(2):
        assert await versions.fetch("key", ["x"], load, 60) == b"value"
    assert loads == 2
    assert await versions.announce(["x"], "a")
    assert await versions.forget(["x"], "a")
    await versions.close()


@pytest.fixture
async def signed(redis_url: str) -> AsyncIterator[VersionedStore]:
    client = Redis(redis_url, timeout=1)
    await client.open()
    store = VersionedStore(client, keys=[b"a secret"])
    yield store
    await store.close()
    await client.close()


async def keep(store: VersionedStore, key: str, value: bytes, seconds: float = 60) -> None:
    _, ticket = await store.read(key, ["x"], signed=True)
    assert ticket is not None
    await store.store(ticket, value, seconds)


async def test_a_signed_value_is_a_hit(signed: VersionedStore) -> None:
    await keep(signed, "mine", b"user")

    assert await signed.read("mine", ["x"], signed=True) == (b"user", None)


async def test_a_value_that_others_have_written_is_a_miss(
    signed: VersionedStore, redis: Redis
) -> None:
    await keep(signed, "mine", b"user")
    entry = await redis.execute("GET", "e:mine")

    await redis.execute("SET", "e:mine", entry.replace(b"user", b"root"))

    value, ticket = await signed.read("mine", ["x"], signed=True)
    assert value is None
    assert ticket is not None


async def test_a_value_that_was_copied_to_another_key_is_a_miss(
    signed: VersionedStore, redis: Redis
) -> None:
    await keep(signed, "theirs", b"root")
    await redis.execute("SET", "e:mine", await redis.execute("GET", "e:theirs"))

    assert (await signed.read("mine", ["x"], signed=True))[0] is None


async def test_an_older_value_that_was_put_back_is_a_miss(
    signed: VersionedStore, redis: Redis
) -> None:
    await keep(signed, "mine", b"root", seconds=0.05)
    entry, version = [await redis.execute("GET", key) for key in ("e:mine", "v:x")]
    await signed.forget(["x"])
    await keep(signed, "mine", b"user")

    await redis.execute("SET", "e:mine", entry)
    assert (await signed.read("mine", ["x"], signed=True))[0] is None  # of other versions
    await redis.execute("SET", "v:x", version)
    await asyncio.sleep(0.06)
    assert (await signed.read("mine", ["x"], signed=True))[0] is None  # of another time
