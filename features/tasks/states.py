"""The state of a job, wherever it is known: in the queue, in the table, or in both."""

from contextlib import suppress
from typing import Any

from arq.jobs import JobStatus

from features.tasks import crud
from features.tasks.models import TaskRead
from kernel import jobs
from kernel.db import Resources, Row, UnitOfWork, now
from kernel.errors import ServiceUnavailableException
from kernel.jobs import JobInfo, arq_queue
from kernel.redis import RedisUnavailable

ENDED = ("complete", "failed", "cancelled")


async def queued_job(resources: Resources, job_id: str) -> JobInfo | None:
    """What the queue knows of a job. Raises ServiceUnavailableException (503)."""
    try:
        return await arq_queue.info(jobs.queue_of(resources), job_id)
    except RedisUnavailable as error:
        raise ServiceUnavailableException(jobs.QUEUE_UNAVAILABLE) from error


def queued_task(job: JobInfo) -> TaskRead:
    """A job of the queue, as its owner sees it."""
    return TaskRead.model_validate(job)


def kept_task(row: Row) -> TaskRead:
    """A job of the table, as its owner sees it: in the queue's words."""
    status = row["status"]
    ended = status in ENDED
    return TaskRead(
        id=row["job_id"],
        function=row["function"],
        status="complete" if ended else "queued" if status == "waiting" else status,
        enqueue_time=row["created_at"],
        success=status == "complete" if ended else None,
        result=(row["error"] or row["result"] or status) if ended else None,
        start_time=row["started_at"] if ended else None,
        finish_time=row["finished_at"],
    )


async def progress_of(resources: Resources, job_id: str) -> dict[str, Any] | None:
    """The progress that a job reported lately; None too when the queue is away."""
    with suppress(ServiceUnavailableException):
        job = await queued_job(resources, job_id)
        return job.progress if job else None
    return None


def abort_after_commit(db: UnitOfWork, job_id: str) -> None:
    """Stop the job in the worker. If the queue is away, its end isn't accepted all the same."""

    async def abort() -> None:
        with suppress(RedisUnavailable, ServiceUnavailableException):
            await arq_queue.abort(jobs.queue_of(db.resources), job_id)

    db.after_commit(abort)


async def cancel_queued(db: UnitOfWork, job_id: str) -> bool:
    """Cancel a job that only the queue knows, and keep that; False when it has no such job.

    Raises ServiceUnavailableException (503).
    """
    job = await queued_job(db.resources, job_id)
    if job is None or job.status is JobStatus.complete:
        return False
    await crud.record.scalar(
        db,
        job_id=job.id,
        function=job.function,
        arguments=job.arguments,
        request_id=job.request_id,
        queued_by=job.queued_by,
        status="cancelled",
        tries=0,
        created_at=job.enqueue_time,
        finished_at=now(),
    )
    abort_after_commit(db, job_id)
    return True
