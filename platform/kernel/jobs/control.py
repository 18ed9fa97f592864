"""Looking at jobs that the queue holds, stopping them, and waking workers."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.errors import ServiceUnavailableException
from kernel.jobs import arq_queue
from kernel.jobs.enqueue import QUEUE_UNAVAILABLE, queue_of
from kernel.jobs.job import JobInfo
from kernel.jobs.registry import queues
from kernel.redis.connection import RedisUnavailable


async def queued_job(resources: Resources, job_id: str) -> JobInfo | None:
    """What the queue knows of a job. Raises ServiceUnavailableException (503)."""
    try:
        return await arq_queue.info(queue_of(resources), job_id)
    except RedisUnavailable as error:
        raise ServiceUnavailableException(QUEUE_UNAVAILABLE) from error


async def progress_of(resources: Resources, job_id: str) -> dict[str, Any] | None:
    """What the job reported within the last hour; None too when Redis is away."""
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await arq_queue.progress(queue_of(resources), job_id)
    return None


async def why_waiting(resources: Resources, queue: str, function: str) -> str | None:
    """Why no worker takes such a job, in a sentence; None when one does, or when Redis is away."""
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await arq_queue.why_waiting(queue_of(resources), queue, function)
    return None


async def live_workers(resources: Resources) -> dict[str, dict[str, Any]] | None:
    """What each running worker says of itself, by its name; None when Redis is away."""
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await arq_queue.live_workers(queue_of(resources))
    return None


async def plain_backlog(
    resources: Resources, queues: Sequence[str]
) -> dict[str, tuple[int, float]] | None:
    """How many jobs of each queue, durable ones left out, are due and not begun, and for how many
    seconds the first one has been; None when Redis is away."""
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await arq_queue.backlog(queue_of(resources), queues)
    return None


def abort_after_commit(db: UnitOfWork, job_id: str, queue: str) -> None:
    """Stop the job in its worker. If Redis is away, its end isn't accepted all the same."""

    async def abort() -> None:
        with suppress(RedisUnavailable, ServiceUnavailableException):
            await arq_queue.abort(queue_of(db.resources), job_id, queue)

    db.after_commit(abort)


def wake_after_commit(db: UnitOfWork, queue: str) -> None:
    """Tell a worker that the unit's durable jobs are due. If Redis is away, it looks by itself."""

    async def wake() -> None:
        redis = db.resources.redis("queue")
        if redis is not None:
            arq_queue.wake(redis, queue)

    db.after_commit(wake)


def erase_after_commit(db: UnitOfWork, texts: Sequence[str], job_ids: Sequence[str]) -> None:
    """Remove from the queue what holds one of these texts, waiting or ended, and what it keeps of
    these jobs. If Redis is away, results are there until they expire."""

    async def erase() -> None:
        with suppress(RedisUnavailable, ServiceUnavailableException):
            await arq_queue.erase(queue_of(db.resources), queues(), texts, job_ids)

    db.after_commit(erase)
