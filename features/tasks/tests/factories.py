"""Rows of jobs for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from features.tasks.models import Job
from tests.callers import People

missing = {"task_id": "Task not found", "job_id": "Job not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A task that the owner queued, and a kept job: one that has ended, where that matters."""
    if operation == "read_task":
        task = await people.owner.post("/api/v1/tasks/task", params={"message": "Hello"})
        return {"task_id": task.json()["id"]}
    ended = operation == "requeue_job"
    job = _job(f"job-of-{people.owner.username}", ended)
    async with people.app.state.resources.unit() as db:
        db.add(job)
    return {"job_id": job.job_id}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Stored jobs, of two tasks and queues; some have ended."""
    async with people.app.state.resources.unit() as db:
        for place in range(number):
            job = _job(f"job-{uuid4().hex}", ended=place % 2 == 0)
            if place % 3 == 0:
                job.function, job.queued_by = "tasks.other", f"user:{people.owner.id}"
                job.queue = "reports"
            db.add(job)
    return {}


def _job(job_id: str, ended: bool) -> Job:
    return Job(
        job_id=job_id,
        function="tasks.sample_background_task",
        arguments={"message": "Hello"},
        status="complete" if ended else "waiting",
        finished_at=datetime.now(UTC) if ended else None,
    )
