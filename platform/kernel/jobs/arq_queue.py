"""The queue behind a narrow port: ARQ's data in Redis, written and read exactly as ARQ does.

To replace ARQ, replace this file and workers/. Jobs are JSON, never pickle.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from arq.connections import RedisSettings
from arq.constants import (
    abort_jobs_ss,
    default_queue_name,
    expires_extra_ms,
    in_progress_key_prefix,
    job_key_prefix,
    result_key_prefix,
)
from arq.utils import timestamp_ms
from pydantic import BaseModel
from pydantic_core import from_json, to_json
from redis.asyncio.connection import SSLConnection, parse_url

from kernel.config.addresses import redis_urls
from kernel.jobs.job import DEFAULT_QUEUE, Job, JobInfo, describe
from kernel.redis.client import Redis
from kernel.redis.connection import Script
from kernel.redis.holding import keys_holding

PROGRESS_PREFIX = "job:progress:"
PROGRESS_SECONDS = 3600
WAKE_INTERVAL = 0.02  # seconds
WORKERS = "job:workers"  # a hash: what each worker takes, see workers/worker.py

# What ArqRedis.enqueue_job does in three round trips, for any number of jobs in one; and one
# worker that waits for a job is told. A job that is queued, or whose result is kept, stays.
PUT = Script("""
local taken = 0
for i = 1, #ARGV, 4 do
  local id, body, ttl, score = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3]
  local job, result = KEYS[2] .. id, KEYS[3] .. id
  if redis.call('EXISTS', job) == 0 and redis.call('EXISTS', result) == 0 then
    redis.call('PSETEX', job, ttl, body)
    redis.call('ZADD', KEYS[1], score, id)
    taken = taken + 1
  end
end
if taken > 0 and redis.call('LLEN', KEYS[4]) == 0 then redis.call('LPUSH', KEYS[4], 1) end
return taken
""")
# What arq.jobs.Job.abort does, without waiting for its end. The score of a running job is its
# lease's end.
ABORT = Script("""
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if score and tonumber(score) > tonumber(ARGV[2]) and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZADD', KEYS[2], 1, ARGV[1])
end
""")

# What was told within the last WAKE_INTERVAL, and whether to tell it again, by client and key.
_told: "WeakKeyDictionary[Redis, dict[str, bool]]" = WeakKeyDictionary()


def key_of(queue: str) -> str:
    """ARQ's name of a queue; its clients put jobs there by `_queue_name`."""
    return default_queue_name if queue == DEFAULT_QUEUE else f"{default_queue_name}:{queue}"


def wake_key(queue: str, durable: bool) -> str:
    """A list that holds one element when there is something to take that may not be seen yet."""
    return f"job:wake:{'outbox' if durable else 'queue'}:{queue}"


async def put(redis: Redis, jobs: Sequence[Job]) -> int:
    """Queue the jobs, in one round trip for each queue; return how many weren't queued already.

    Raises RedisUnavailable.
    """
    now, taken = timestamp_ms(), 0
    for queue, group in groupby(jobs, lambda job: job.queue):
        arguments: list[str | bytes | int] = []
        for job in group:
            delay = round(job.defer_by * 1000)
            arguments += [job.id, _body(job, now), delay + expires_extra_ms, now + delay]
        keys = [key_of(queue), job_key_prefix, result_key_prefix, wake_key(queue, durable=False)]
        taken += int(await redis.run(PUT, keys, *arguments))
    return taken


def _body(job: Job, now: int) -> bytes:
    # orjson itself writes no whole number of more than 64 bits, and reads one as a float.
    named: dict[str, Any] = {"arguments": orjson.Fragment(to_json(job.arguments))}
    if job.request_id is not None:
        named["request_id"] = job.request_id
    if job.queued_by is not None:
        named["queued_by"] = job.queued_by
    if job.queue != DEFAULT_QUEUE:
        named["queue"] = job.queue
    if job.traceparent is not None:
        named["traceparent"] = job.traceparent
    return serialize({"t": None, "f": job.function, "a": [], "k": named, "et": now})


async def backlog(redis: Redis, queues: Sequence[str]) -> dict[str, tuple[int, float]]:
    """For each queue how many jobs are due and not begun, and for how many seconds the first one
    has been. Raises RedisUnavailable."""
    now = timestamp_ms()
    found: dict[str, tuple[int, float]] = {}
    counts = [redis.execute("ZCOUNT", key_of(queue), "-inf", now) for queue in queues]
    firsts = [redis.execute("ZRANGE", key_of(queue), 0, 0, "WITHSCORES") for queue in queues]
    answers = await asyncio.gather(*counts, *firsts)
    for queue, count, first in zip(queues, answers, answers[len(queues) :], strict=False):
        age = (now - float(first[1])) / 1000 if count and first else 0.0
        found[queue] = (int(count), max(0.0, age))
    return found


def wake(redis: Redis, queue: str, durable: bool = True) -> None:
    """Tell a waiting worker that jobs are due; not waited for, since it is only a hint.

    Of many calls the first is told at once, and the others by one at the end of WAKE_INTERVAL.
    """
    key = wake_key(queue, durable)
    again = _told.setdefault(redis, {})
    if key in again:
        again[key] = True
        return
    again[key] = False
    redis.tell("LPUSH", key, 1)
    redis.tell("LTRIM", key, 0, 0)

    def end() -> None:
        if again.pop(key):
            wake(redis, queue, durable)

    asyncio.get_running_loop().call_later(WAKE_INTERVAL, end)


async def info(redis: Redis, job_id: str) -> JobInfo | None:
    """What the queue knows of the job; None when nothing. Raises RedisUnavailable."""
    prefixes = (result_key_prefix, job_key_prefix, in_progress_key_prefix, PROGRESS_PREFIX)
    keys = [prefix + job_id for prefix in prefixes]
    result, job, running, progress = await redis.execute("MGET", *keys)
    if result is None and job is None:
        return None
    data = deserialize(result or job)
    named = data["k"]
    queue = named.get("queue", DEFAULT_QUEUE)
    status = "complete" if result is not None else "in_progress"
    if result is None and running is None:
        score = await redis.execute("ZSCORE", key_of(queue), job_id)
        status = "deferred" if score and float(score) > timestamp_ms() else "queued"
    return JobInfo(
        id=job_id,
        function=data["f"],
        status=status,  # type: ignore[arg-type] # one of the four words above
        arguments=named.get("arguments", {}),
        request_id=named.get("request_id"),
        queued_by=named.get("queued_by"),
        queue=queue,
        enqueue_time=moment(data["et"]),
        progress=deserialize(progress) if progress else None,
        success=data.get("s"),
        result=data.get("r"),
        start_time=moment(data["st"]) if "st" in data else None,
        finish_time=moment(data["ft"]) if "ft" in data else None,
    )


async def abort(redis: Redis, job_id: str, queue: str) -> None:
    """Stop the job, or keep the queue from starting it. Raises RedisUnavailable."""
    keys = [in_progress_key_prefix + job_id, key_of(queue), abort_jobs_ss]
    await redis.run(ABORT, keys, job_id, timestamp_ms())


async def live_workers(redis: Redis) -> dict[str, dict[str, Any]]:
    """What each running worker says of itself, by its name. Raises RedisUnavailable."""
    now, told = timestamp_ms(), await redis.execute("HGETALL", WORKERS)
    named = zip(told[::2], told[1::2], strict=True)
    found = {name.decode(): deserialize(data) for name, data in named}
    return {name: worker for name, worker in found.items() if worker["until"] > now}


async def progress(redis: Redis, job_id: str) -> dict[str, Any] | None:
    """What the job reported within the last hour. Raises RedisUnavailable."""
    data = await redis.execute("GET", PROGRESS_PREFIX + job_id)
    return deserialize(data) if data else None


async def report(redis: Redis, job_id: str, progress: dict[str, Any]) -> None:
    """Keep a job's progress beside it, for an hour. Raises RedisUnavailable."""
    key = PROGRESS_PREFIX + job_id
    await redis.execute("SET", key, serialize(progress), "EX", PROGRESS_SECONDS)


async def erase(
    redis: Redis, queues: Sequence[str], texts: Sequence[str], job_ids: Sequence[str]
) -> None:
    """Remove jobs and results that hold one of these texts, and all that is kept of these jobs.
    Raises RedisUnavailable."""
    ids = set(job_ids)
    for prefix in (job_key_prefix, result_key_prefix):
        async for keys in keys_holding(redis, f"{prefix}*", texts):
            ids |= {key.decode().removeprefix(prefix) for key in keys}
    for job_id in ids:
        prefixes = (job_key_prefix, result_key_prefix, PROGRESS_PREFIX)
        await redis.execute("DEL", *[prefix + job_id for prefix in prefixes])
    for queue in queues if ids else ():
        await redis.execute("ZREM", key_of(queue), *ids)


def serialize(value: Any) -> bytes:
    """ARQ's job_serializer."""
    return orjson.dumps(value, default=_plain)


def deserialize(data: bytes) -> Any:
    """ARQ's job_deserializer."""
    return from_json(data)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


def moment(milliseconds: float) -> datetime:
    """ARQ's time-stamps."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def arq_settings(url: str) -> RedisSettings:
    """The same address in ARQ's shape, for `arq --check`."""
    address: dict[str, Any] = dict(parse_url(redis_urls(url)[0]))
    return RedisSettings(
        host=address.get("host", "localhost"),
        port=address.get("port", 6379),
        unix_socket_path=address.get("path"),
        database=address.get("db", 0),
        username=address.get("username"),
        password=address.get("password"),
        ssl=address.get("connection_class") is SSLConnection,
        ssl_ca_certs=address.get("ssl_ca_certs"),
        ssl_cert_reqs=address.get("ssl_cert_reqs", "required"),
        conn_retries=1,
    )
