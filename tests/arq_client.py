"""ARQ's own client of the queue, for tests that compare it with ours."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool

from kernel.jobs.arq_queue import deserialize, serialize


def _with_exceptions(data: bytes) -> Any:
    # ARQ's Job.abort waits for a result that is this exception, which JSON holds as its name.
    job = deserialize(data)
    if job.get("s") is False and job.get("r") == asyncio.CancelledError.__name__:
        job["r"] = asyncio.CancelledError()
    return job


@pytest.fixture
async def arq(redis_url: str) -> AsyncIterator[ArqRedis]:
    """ARQ's own client of the same queue."""
    pool = ConnectionPool.from_url(redis_url, socket_connect_timeout=1, socket_timeout=5)
    client = ArqRedis(pool, job_serializer=serialize, job_deserializer=_with_exceptions)
    yield client
    await client.aclose(close_connection_pool=True)
