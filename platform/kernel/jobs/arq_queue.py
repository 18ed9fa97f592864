"""The queue behind a narrow port: ARQ's data in Redis, written and read exactly as ARQ does.

To replace ARQ, replace this file and workers/. Jobs are JSON, never pickle.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from arq.connections import ArqRedis, RedisSettings
from arq.constants import (
    abort_jobs_ss,
    default_queue_name,
    expires_extra_ms,
    in_progress_key_prefix,
    job_key_prefix,
    result_key_prefix,
    retry_key_prefix,
)
from arq.jobs import JobStatus
from arq.utils import timestamp_ms
from pydantic import BaseModel
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import SSLConnection, parse_url

from kernel.redis.client import Redis
from kernel.redis.connection import Script

PROGRESS_PREFIX = "job:progress:"
PROGRESS_SECONDS = 3600

# What ArqRedis.enqueue_job does in three round trips, for any number of jobs in one. A job that
# is queued stays as it is; one whose result is kept is refused, or forgotten when asked to.
PUT = Script("""
local taken = 0
for i = 1, #ARGV, 5 do
  local id, body, ttl, score, again = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4]
  local job, result = KEYS[2] .. id, KEYS[3] .. id
  if redis.call('EXISTS', job) == 0 and (again == '1' or redis.call('EXISTS', result) == 0) then
    if again == '1' then redis.call('DEL', result, KEYS[4] .. id) end
    redis.call('PSETEX', job, ttl, body)
    redis.call('ZADD', KEYS[1], score, id)
    taken = taken + 1
  end
end
return taken
""")
# What arq.jobs.Job.abort does, for a job that is there, without waiting for its end.
ABORT = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if score and tonumber(score) > tonumber(ARGV[2]) then redis.call('ZADD', KEYS[2], 1, ARGV[1]) end
return 1
""")


@dataclass(frozen=True, slots=True)
class Job:
    """What is queued. `durable` jobs have a row in the outbox that decides about their end."""

    id: str
    function: str
    arguments: dict[str, Any]
    request_id: str | None = None
    queued_by: str | None = None
    defer_by: float = 0  # seconds
    unique: str | None = None
    durable: bool = False


@dataclass(frozen=True, slots=True)
class JobInfo:
    """What the queue knows of a job: ARQ's words, and the progress that the job reported."""

    id: str
    function: str
    status: JobStatus
    arguments: dict[str, Any]
    request_id: str | None
    queued_by: str | None
    enqueue_time: datetime
    progress: dict[str, Any] | None = None
    success: bool | None = None
    result: Any = None
    start_time: datetime | None = None
    finish_time: datetime | None = None


async def put(redis: Redis, jobs: Sequence[Job], again: bool = False) -> int:
    """Queue the jobs in one round trip; return how many weren't queued already.

    `again` queues a job anew whose result is still kept. Raises RedisUnavailable.
    """
    now = timestamp_ms()
    arguments: list[str | bytes | int] = []
    for job in jobs:
        delay = round(job.defer_by * 1000)
        ttl, score = delay + expires_extra_ms, now + delay
        arguments += [job.id, _body(job, now), ttl, score, int(again)]
    prefixes = [default_queue_name, job_key_prefix, result_key_prefix, retry_key_prefix]
    return int(await redis.run(PUT, prefixes, *arguments))


def _body(job: Job, now: int) -> bytes:
    named: dict[str, Any] = {"arguments": job.arguments}
    if job.request_id is not None:
        named["request_id"] = job.request_id
    if job.queued_by is not None:
        named["queued_by"] = job.queued_by
    if job.durable:
        named["durable"] = True
    return serialize({"t": None, "f": job.function, "a": [], "k": named, "et": now})


async def info(redis: Redis, job_id: str) -> JobInfo | None:
    """What the queue knows of the job, in one trip; None when nothing. Raises RedisUnavailable."""
    prefixes = (result_key_prefix, job_key_prefix, in_progress_key_prefix, PROGRESS_PREFIX)
    (result, job, running, progress), score = await asyncio.gather(
        redis.execute("MGET", *[prefix + job_id for prefix in prefixes]),
        redis.execute("ZSCORE", default_queue_name, job_id),
    )
    if result is None and job is None:
        return None
    data = deserialize(result or job)
    named = data["k"]
    status = JobStatus.queued
    if result is not None:
        status = JobStatus.complete
    elif running is not None:
        status = JobStatus.in_progress
    elif score is not None and float(score) > timestamp_ms():
        status = JobStatus.deferred
    return JobInfo(
        id=job_id,
        function=data["f"],
        status=status,
        arguments=named.get("arguments", {}),
        request_id=named.get("request_id"),
        queued_by=named.get("queued_by"),
        enqueue_time=_moment(data["et"]),
        progress=deserialize(progress) if progress else None,
        success=data.get("s"),
        result=data.get("r"),
        start_time=_moment(data["st"]) if "st" in data else None,
        finish_time=_moment(data["ft"]) if "ft" in data else None,
    )


async def abort(redis: Redis, job_id: str) -> bool:
    """Stop the job, or don't start it; False when the queue lacks it. Raises RedisUnavailable."""
    keys = [job_key_prefix + job_id, default_queue_name, abort_jobs_ss]
    return bool(await redis.run(ABORT, keys, job_id, timestamp_ms()))


async def forget_attempt(redis: Redis, job_id: str) -> None:
    """Count one attempt of the job less. Raises RedisUnavailable."""
    await redis.execute("DECR", retry_key_prefix + job_id)


async def report(redis: Redis, job_id: str, progress: dict[str, Any]) -> None:
    """Keep a job's progress beside it, for an hour. Raises RedisUnavailable."""
    key = PROGRESS_PREFIX + job_id
    await redis.execute("SET", key, serialize(progress), "EX", PROGRESS_SECONDS)


def serialize(value: Any) -> bytes:
    """ARQ's job_serializer."""
    return orjson.dumps(value, default=_plain)


def deserialize(data: bytes) -> Any:
    """ARQ's job_deserializer."""
    return orjson.loads(data)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


def describe(error: BaseException) -> str:
    """An error in one line, as histories and results show it."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def arq_client(url: str) -> ArqRedis:
    """ARQ's own client, which connects when it is first used."""
    pool = ConnectionPool.from_url(url, socket_connect_timeout=1, socket_timeout=5)
    return ArqRedis(pool, job_serializer=serialize, job_deserializer=deserialize)


def arq_settings(url: str) -> RedisSettings:
    """The same address in ARQ's shape, for `arq --check`."""
    address: dict[str, Any] = dict(parse_url(url))
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
