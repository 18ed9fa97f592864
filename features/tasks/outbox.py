"""Jobs that must not be lost: kept with their transaction, dispatched until their end is recorded.

The functions are what kernel.jobs.outbox asks for. The worker calls all but `add`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from features.tasks import crud
from features.tasks.settings import JobSettings
from kernel import jobs
from kernel.db import Resources, UnitOfWork
from kernel.jobs import Attempt, Job, arq_queue

BATCH = 200


async def add(db: UnitOfWork, job: Job) -> str:
    """Keep the job in the unit's transaction; return its id, or that of its waiting duplicate."""
    job_id: str = await crud.add.scalar(
        db,
        job_id=job.id,
        function=job.function,
        arguments=job.arguments,
        request_id=job.request_id,
        queued_by=job.queued_by,
        unique_key=job.unique,
        defer_by=timedelta(seconds=job.defer_by),
    )
    return job_id


async def dispatch(resources: Resources, known: Iterable[str]) -> bool:
    """Queue what is due, and what the queue may have lost; say whether more may be due.

    The rows are locked meanwhile, so several workers share the work. A crash in between queues
    them once more, under the same ids, which changes nothing.
    Raises RedisUnavailable and DatabaseUnavailable.
    """
    settings = resources.settings.group(JobSettings)
    redis = jobs.queue_of(resources)
    async with resources.unit() as db:
        rows = await crud.take_due.all(
            db,
            known=list(known),
            limit_=BATCH,
            recheck=timedelta(seconds=settings.job_recheck_seconds),
        )
        if rows:
            await arq_queue.put(redis, [_job(row) for row in rows], again=True)
    return len(rows) == BATCH


def _job(row: dict[str, Any]) -> Job:
    return Job(
        id=row["job_id"],
        function=row["function"],
        arguments=row["arguments"],
        request_id=row["request_id"],
        queued_by=row["queued_by"],
        durable=True,
    )


async def begin(resources: Resources, job_id: str) -> int | None:
    """Note that an attempt begins and return its number; None when the job has ended."""
    async with resources.unit() as db:
        attempt: int | None = await crud.begin.scalar(db, job_id=job_id)
    return attempt


async def complete(db: UnitOfWork, job_id: str, result: Any) -> bool:
    """Record the end in the attempt's own transaction; False when it had ended before."""
    return await crud.complete.scalar(db, job_id=job_id, result=result) is not None


async def record(resources: Resources, attempt: Attempt) -> None:
    """Note how an attempt ended, where `complete` didn't."""
    ended = None if attempt.status == "queued" else datetime.now(UTC)
    error = attempt.error.replace("\x00", "\N{REPLACEMENT CHARACTER}") if attempt.error else None
    async with resources.unit() as db:
        if attempt.durable:
            await crud.note_failure.scalar(
                db,
                job_id=attempt.id,
                attempt=attempt.tries,
                new_status=attempt.status,
                error=error,
                finished_at=ended,
            )
            return
        await crud.record.scalar(
            db,
            job_id=attempt.id,
            function=attempt.function,
            arguments=attempt.arguments,
            request_id=attempt.request_id,
            queued_by=attempt.queued_by,
            status=attempt.status,
            tries=attempt.tries,
            error=error,
            result=attempt.result,
            created_at=attempt.enqueue_time,
            started_at=attempt.start_time,
            finished_at=ended,
        )


async def release(resources: Resources, attempt: Attempt) -> None:
    """Forget an attempt that was stopped with its worker."""
    async with resources.unit() as db:
        await crud.release.scalar(db, job_id=attempt.id, attempt=attempt.tries)
