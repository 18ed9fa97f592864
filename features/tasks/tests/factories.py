"""Rows of jobs for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import time
from typing import Any
from uuid import uuid4

from features.tasks.models import Job
from kernel.jobs import arq_queue
from kernel.jobs.enqueue import prepare, queue_of
from kernel.resources import Resources
from tests.callers import People

missing = {"task_id": "Task not found", "job_id": "Job not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A task that the owner queued, and a kept job: one that has ended, where that matters."""
    if operation == "read_task":
        queued_by = f"user:{people.owner.id}"
        return {"task_id": await queue_as(queued_by, people.app.state.resources)}
    ended = operation == "requeue_job"
    job = _job(f"job-of-{people.owner.username}", ended)
    async with people.app.state.resources.unit() as db:
        db.add(job)
    return {"job_id": job.job_id}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any] | None:
    """Stored jobs, of two tasks and queues; some have ended. Or workers; the rest is declared."""
    if operation in ("read_queues", "read_schedules"):
        return None
    if operation == "read_workers":
        return await _announce(people.app.state.resources, number)
    async with people.app.state.resources.unit() as db:
        for place in range(number):
            job = _job(f"job-{uuid4().hex}", ended=place % 2 == 0)
            if place % 3 == 0:
                job.function, job.queued_by = "tasks.other", f"user:{people.owner.id}"
                job.queue = "reports"
            db.add(job)
    return {}


async def _announce(resources: Resources, number: int) -> dict[str, Any]:
    """So many workers, for ten seconds."""
    offer = {"until": time() * 1000 + 10_000, "queues": ["default"], "tasks": []}
    for _ in range(number):
        data = arq_queue.serialize(offer)
        await queue_of(resources).execute("HSET", arq_queue.WORKERS, uuid4().hex, data)
    return {}


async def queue_as(queued_by: str, resources: Resources) -> str:
    """Queue a job that belongs to that caller; returns its id."""
    job = prepare("tasks.purge_jobs", {}, queued_by)
    await arq_queue.put(queue_of(resources), [job])
    return job.id


def _job(job_id: str, ended: bool) -> Job:
    return Job(
        job_id=job_id,
        function="tasks.purge_jobs",
        arguments={},
        status="complete" if ended else "waiting",
        finished_at=datetime.now(UTC) if ended else None,
    )
