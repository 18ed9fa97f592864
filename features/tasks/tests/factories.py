"""Rows of jobs for a call by each caller (tests/callers.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from features.tasks.models import Job
from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A task that the owner queued, and a kept job: one that has ended, where that matters."""
    if operation == "read_task":
        task = await people.owner.post("/api/v1/tasks/task", params={"message": "Hello"})
        return {"task_id": task.json()["id"]}
    ended = operation == "requeue_job"
    job = Job(
        job_id=f"job-of-{people.owner.username}",
        function="tasks.sample_background_task",
        arguments={"message": "Hello"},
        status="complete" if ended else "waiting",
        finished_at=datetime.now(UTC) if ended else None,
    )
    async with people.app.state.resources.unit() as db:
        db.add(job)
    return {"job_id": job.job_id}
