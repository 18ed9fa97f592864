"""What holds a text goes from Redis, in keys and in values; everything else stays."""

from typing import Any

from kernel import jobs
from kernel.cache import Stores, erase
from kernel.jobs import arq_queue
from kernel.jobs.job import Job
from kernel.redis.holding import keys_holding
from kernel.resources import Resources

NAME = "zenobia77"


async def test_keys_are_found_by_their_name_and_by_what_they_hold(resources: Resources) -> None:
    redis = resources.redis("cache")
    assert redis is not None
    for number in range(500):
        await redis.execute("SET", f"e:{number}", f"nothing {number}")
    for key, value in (("e:a", f"by {NAME}"), (f"e:/{NAME}/x", "y"), (f"other:{NAME}", NAME)):
        await redis.execute("SET", key, value)

    found = [key async for keys in keys_holding(redis, "e:*", [NAME, ""]) for key in keys]

    assert sorted(set(found)) == [f"e:/{NAME}/x".encode(), b"e:a"]
    assert [keys async for keys in keys_holding(redis, "e:*", [""])] == []


async def test_a_cache_forgets_a_text_for_good_once_the_unit_has_committed(
    resources: Resources,
) -> None:
    store, redis = resources.get(Stores)["cache"], resources.redis("cache")
    assert redis is not None

    async def load() -> bytes:
        return f"written by {NAME}".encode()

    async def other() -> bytes:
        return b"written by another"

    await store.fetch("page", ["page:1"], load, 60)
    await store.fetch("else", ["page:2"], other, 60)
    await redis.execute("SET", f"v:{NAME}", "!token@99999999999999")  # a writer's intent
    async with resources.unit() as db:
        erase(db, NAME)
        before = await redis.execute("EXISTS", "e:page")

    left = [await redis.execute("EXISTS", key) for key in ("e:page", "e:else", f"v:{NAME}")]
    assert (before, left) == (1, [0, 1, 1])


async def test_a_queue_forgets_the_jobs_of_a_user_and_no_others(resources: Resources) -> None:
    redis = jobs.queue_of(resources)
    own = Job("a", "tasks.gone", {}, queued_by="user:7")
    longer = Job("b", "tasks.gone", {}, queued_by="user:77")
    await arq_queue.put(redis, [own, longer])
    await arq_queue.report(redis, "c", {"done": 1, "total": 1, "note": NAME})

    await arq_queue.erase(redis, ["default"], ['"queued_by":"user:7"'], ["c"])

    queued: Any = await redis.execute("ZRANGE", arq_queue.key_of("default"), 0, -1)
    assert queued == [b"b"]
    assert await arq_queue.info(redis, "a") is None
    assert await arq_queue.info(redis, "b") is not None
    assert await arq_queue.progress(redis, "c") is None
