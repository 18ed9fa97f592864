"""Jobs are written and read exactly as ARQ does, so that ARQ's own worker runs them."""

import asyncio
import time
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.worker import Worker, func

from kernel.jobs import arq_queue
from kernel.jobs.arq_queue import deserialize, serialize
from kernel.jobs.job import Job
from kernel.redis.client import Redis
from kernel.resources import Resources

DAY = 86_400_000
JOB = Job("the-job", "sample", {"message": "Zoë"}, request_id="r1", queued_by="user:1")


@pytest.fixture
def redis(resources: Resources) -> Redis:
    """The lean client of the queue."""
    found = resources.redis("queue")
    assert found is not None
    return found


async def footprint(arq: ArqRedis) -> dict[str, Any]:
    """Every key that a job leaves in an otherwise empty Redis, with its type, TTL and content."""
    found: dict[str, Any] = {}
    for key in sorted(await arq.keys("arq:*")):
        kind = (await arq.type(key)).decode()
        if kind == "string":
            content = deserialize(await arq.get(key))
            content["et"] = round(content["et"] / 10_000)
        else:
            content = [
                (member, round(score / 10_000))
                for member, score in await arq.zrange(key, 0, -1, withscores=True)
            ]
        found[key.decode()] = (kind, round(await arq.pttl(key) / 10_000), content)
    return found


@pytest.mark.parametrize("defer_by", [0, 90])
async def test_a_job_leaves_the_same_keys_as_arqs_own_enqueue(
    arq: ArqRedis, redis: Redis, defer_by: int
) -> None:
    named: dict[str, Any] = {
        "request_id": "r1",
        "queued_by": "user:1",
        "arguments": {"message": "Zoë"},
    }
    await arq.enqueue_job("sample", _job_id="the-job", _defer_by=defer_by or None, **named)
    arqs = await footprint(arq)
    await arq.flushdb()

    await arq_queue.put(redis, [JOB._replace(defer_by=defer_by)])

    ours = await footprint(arq)
    assert ours == arqs
    assert list(ours) == ["arq:job:the-job", "arq:queue"]
    assert ours["arq:job:the-job"][1] == round((DAY + defer_by * 1000) / 10_000)


async def test_arqs_own_worker_runs_it(arq: ArqRedis, redis: Redis) -> None:
    seen: list[Any] = []

    async def sample(ctx: dict[str, Any], **named: Any) -> str:
        seen.append(named)
        return "done"

    await arq_queue.put(redis, [JOB])
    worker = Worker(
        [func(sample, name="sample")],
        redis_pool=arq,
        burst=True,
        handle_signals=False,
        poll_delay=0.01,
        job_serializer=serialize,
        job_deserializer=deserialize,
    )
    await worker.main()

    assert [named["arguments"] for named in seen] == [{"message": "Zoë"}]
    assert await ArqJob("the-job", arq, _deserializer=deserialize).result(timeout=1) == "done"
    info = await arq_queue.info(redis, "the-job")
    assert info is not None
    assert (info.status, info.success, info.result) == ("complete", True, "done")


async def test_an_id_is_queued_once_while_it_waits_and_while_its_result_is_kept(
    arq: ArqRedis, redis: Redis
) -> None:
    first = await arq_queue.put(redis, [JOB])
    second = await arq_queue.put(redis, [JOB])
    await arq.delete("arq:job:the-job")
    await arq.set("arq:result:the-job", b"{}")

    with_result = await arq_queue.put(redis, [JOB])

    assert [first, second, with_result] == [1, 0, 0]


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ({}, "queued"),
        ({"arq:in-progress:the-job": b"1"}, "in_progress"),
        ({"arq:result:the-job": None}, "complete"),
    ],
)
async def test_the_state_is_the_one_that_arq_reports(
    arq: ArqRedis, redis: Redis, keys: dict[str, Any], status: str
) -> None:
    now = round(time.time() * 1000)
    ended = {"t": 1, "f": "sample", "a": [], "k": {}, "et": now, "s": False, "r": "x"}
    await arq_queue.put(redis, [JOB])
    for key, value in keys.items():
        await arq.set(key, value or serialize({**ended, "st": now, "ft": now, "q": "", "id": ""}))

    info = await arq_queue.info(redis, "the-job")

    assert info is not None
    assert info.status == await ArqJob("the-job", arq).status() == status


async def test_a_job_for_later_is_deferred(arq: ArqRedis, redis: Redis) -> None:
    await arq_queue.put(redis, [Job("the-job", "sample", {}, defer_by=60)])

    info = await arq_queue.info(redis, "the-job")

    assert info is not None
    assert info.status == await ArqJob("the-job", arq).status() == "deferred"


async def test_an_unknown_job_can_not_be_seen(redis: Redis) -> None:
    assert await arq_queue.info(redis, "nothing") is None


async def test_of_many_wakes_the_first_is_told_at_once_and_the_others_by_one(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arq_queue, "WAKE_INTERVAL", 0.3)
    key = arq_queue.wake_key("q", durable=True)

    for _ in range(50):
        arq_queue.wake(redis, "q")

    assert await redis.execute("LPOP", key) == b"1"
    assert await redis.execute("LPOP", key) is None
    await asyncio.sleep(0.5)
    assert await redis.execute("LPOP", key) == b"1"
    await asyncio.sleep(0.5)
    assert await redis.execute("LPOP", key) is None
    arq_queue.wake(redis, "q")
    assert await redis.execute("LPOP", key) == b"1"
