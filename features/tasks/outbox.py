"""Jobs that must not be lost: kept with their transaction until their end is recorded.

The functions are what kernel.jobs.outbox asks for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import orjson

from features.tasks import claims, crud, records
from features.tasks.queued import wake_after_commit
from kernel.db import Resources, UnitOfWork
from kernel.jobs import Attempt, Job


async def add(db: UnitOfWork, job: Job) -> str:
    """Keep the job in the unit's transaction; return its id, or that of its waiting duplicate."""
    job_id: str = await crud.add.scalar(
        db,
        job_id=job.id,
        function=job.function,
        arguments=job.arguments,
        request_id=job.request_id,
        traceparent=job.traceparent,
        queued_by=job.queued_by,
        unique_key=job.unique,
        queue=job.queue,
        defer_by=timedelta(seconds=job.defer_by),
    )
    wake_after_commit(db, job.queue)
    return job_id


async def claim(
    resources: Resources, queue: str, known: Sequence[str], limit: int, lease: float
) -> list[Attempt]:
    """Begin an attempt of up to `limit` due jobs, which are theirs for `lease` seconds."""
    async with resources.unit() as db:
        rows = await claims.claim.all(
            db, queue=queue, known=known, limit_=limit, lease=timedelta(seconds=lease)
        )
    return [
        Attempt(
            id=row["job_id"],
            function=row["function"],
            arguments=row["arguments"],
            request_id=row["request_id"],
            queued_by=row["queued_by"],
            durable=True,
            enqueue_time=row["created_at"],
            start_time=row["started_at"],
            tries=row["tries"],
            queue=queue,
            waited=row["waited"],
            row=row["id"],
            traceparent=row["traceparent"],
        )
        for row in rows
    ]


async def due(
    resources: Resources, queues: Sequence[str], known: Sequence[str]
) -> dict[str, float]:
    """Seconds until the first job of each queue is due; queues without any are left out."""
    async with resources.unit() as db:
        rows = await claims.due.all(db, queues=queues, known=known)
    return {row["queue"]: row["seconds"] for row in rows if row["seconds"] is not None}


async def backlog(resources: Resources, queues: Sequence[str]) -> dict[str, tuple[int, float]]:
    """How many jobs of each queue are due, and for how many seconds the first one has been."""
    async with resources.unit() as db:
        rows = await claims.backlog.all(db, queues=queues)
    return {row["queue"]: (row["jobs"], row["seconds"]) for row in rows}


async def renew(resources: Resources, rows: Sequence[int], lease: float) -> None:
    """Let running jobs keep their claim for `lease` seconds from now."""
    async with resources.unit() as db:
        await claims.renew.scalar(db, rows=rows, lease=timedelta(seconds=lease))


async def complete(db: UnitOfWork, attempt: Attempt) -> bool:
    """Record the end in the attempt's own transaction; False when it had ended before."""
    return await claims.complete.scalar(db, ends=records.ends_of([attempt])) is not None


async def end(resources: Resources, attempts: Sequence[Attempt]) -> set[str]:
    """Note how attempts ended; return the ids of those that hadn't ended before."""
    async with resources.unit() as db:
        rows = await claims.end.all(db, ends=records.ends_of(attempts))
    return {row["job_id"] for row in rows}


async def record(resources: Resources, attempts: Sequence[Attempt]) -> None:
    """Keep the ends of jobs that only the queue knew."""
    async with resources.unit() as db:
        await records.record(db, attempts)


async def assign(resources: Resources, queues: Mapping[str, str]) -> None:
    """Move waiting jobs to the queue that their task is declared for now."""
    async with resources.unit() as db:
        await claims.assign.scalar(db, queues=orjson.dumps(queues).decode())
