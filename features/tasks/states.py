"""The state of a job, wherever it is known: in the queue, in the table, or in both."""

from typing import Any

from features.tasks import queued
from features.tasks.models import JobDetail, TaskRead
from features.tasks.records import record
from kernel import jobs
from kernel.db import Resources, UnitOfWork
from kernel.jobs import ENDED, Attempt, JobInfo


def queued_task(job: JobInfo) -> TaskRead:
    """A job of the queue, as its owner sees it."""
    return TaskRead.model_validate(job)


async def kept_task(resources: Resources, job: JobDetail) -> TaskRead:
    """A job of the table, as its owner sees it: in the queue's words."""
    ended = job.status in ENDED
    running = job.status == "in_progress"
    return TaskRead.model_validate(
        {
            "id": job.job_id,
            "function": job.function,
            "status": "complete" if ended else "in_progress" if running else "queued",
            "enqueue_time": job.created_at,
            "progress": await jobs.progress_of(resources, job.job_id) if running else None,
            "success": job.status == "complete" if ended else None,
            "result": _outcome(job) if ended else None,
            "start_time": job.started_at if ended else None,
            "finish_time": job.finished_at,
        }
    )


def _outcome(job: JobDetail) -> Any:
    """What a good job returned, 0 and None too; else why it isn't good."""
    return job.result if job.status == "complete" else job.error or job.status


def queued_detail(job: JobInfo) -> JobDetail:
    """A job that only the queue knows, as superusers see it."""
    return JobDetail.model_validate(
        {
            "job_id": job.id,
            "status": "in_progress" if job.status == "in_progress" else "queued",
            "tries": 0,
            "error": None,
            "created_at": job.enqueue_time,
            "started_at": None,
            "finished_at": None,
            **{
                name: getattr(job, name)
                for name in ("function", "queue", "queued_by", "request_id", "arguments")
            },
        }
    )


async def explained(resources: Resources, job: JobDetail) -> JobDetail:
    """The job without its secrets, with the progress that it reported lately, and why it waits if
    no worker takes it. Neither is told while the queue is away.
    """
    task = jobs.declared().get(job.function)
    if task is not None:
        shown = queued.without_secrets(task.arguments, job.arguments)
        job = job.model_copy(update={"arguments": shown})
    if job.status in ("waiting", "queued"):
        note = await queued.why_waiting(resources, job.queue, job.function)
        return job.model_copy(update={"note": note})
    return JobDetail.model_validate(
        {**job.model_dump(), "progress": await jobs.progress_of(resources, job.job_id)}
    )


async def cancel_queued(db: UnitOfWork, job_id: str) -> bool:
    """Cancel a job that only the queue knows, and keep that; False when it has no such job.

    Raises ServiceUnavailableException (503).
    """
    job = await queued.queued_job(db.resources, job_id)
    if job is None or job.status == "complete":
        return False
    attempt = Attempt(
        id=job.id,
        function=job.function,
        arguments=job.arguments,
        request_id=job.request_id,
        queued_by=job.queued_by,
        durable=False,
        enqueue_time=job.enqueue_time,
        start_time=None,
        tries=0,
        queue=job.queue,
        status="cancelled",
    )
    await record(db, [attempt])
    queued.abort_after_commit(db, job_id, job.queue)
    return True
