"""Jobs on the admin site: what waits, what failed and why, who works them off."""

from typing import Any

from sqladmin import ModelView, action
from sqladmin.filters import StaticValuesFilter
from starlette.requests import Request

from features.tasks import crud, overview, queued
from features.tasks.models import Job
from kernel import jobs
from kernel.db import UnitOfWork
from kernel.errors import ConflictException
from kernel.web import unit_of

STATUSES = ("waiting", "queued", "in_progress", "complete", "failed", "cancelled")
JOB_OVER = "The job has ended"
JOB_NOT_OVER = "The job has not ended"


def _arguments(job: Any, _: str) -> Any:
    task = jobs.declared().get(job.function)
    return queued.without_secrets(task.arguments, job.arguments) if task else job.arguments


class JobAdmin(ModelView, model=Job):
    """Durable jobs from the start, others from their end."""

    column_list = ("id", "function", "status", "queue", "tries", "created_at", "finished_at")
    column_details_list = (
        *("id", "job_id", "function", "status", "queue", "tries", "error", "result", "arguments"),
        *("queued_by", "request_id", "created_at", "dispatch_at", "started_at", "finished_at"),
    )
    column_labels = {"job_id": "Job", "dispatch_at": "Due"}  # noqa: RUF012
    column_formatters_detail = {"arguments": _arguments}  # noqa: RUF012
    column_export_list = [  # noqa: RUF012
        *("id", "job_id", "function", "status", "queue", "tries", "error"),
    ]
    column_searchable_list = ("function", "job_id", "error")
    column_sortable_list = ("id", "created_at")
    column_default_sort = ("id", True)
    column_filters = (
        StaticValuesFilter("status", [(one, one.replace("_", " ")) for one in STATUSES], "Status"),
    )
    can_create = can_edit = can_delete = False

    @action("requeue", "Run again", "Run these jobs again, from the first attempt?")
    async def requeue(self, request: Request, pk: int) -> None:
        unit, job = await _job(request, pk)
        done = await crud.requeue.one(unit, job_id=job.job_id)
        if done is None or not done["changed"]:
            raise ConflictException(JOB_NOT_OVER)
        queued.wake_after_commit(unit, job.queue)

    @action("cancel", "Cancel", "Stop these jobs, or keep them from starting?")
    async def cancel(self, request: Request, pk: int) -> None:
        unit, job = await _job(request, pk)
        done = await crud.cancel.one(unit, job_id=job.job_id)
        if done is None or not done["changed"]:
            raise ConflictException(JOB_OVER)
        queued.abort_after_commit(unit, job.job_id, job.queue)

    async def panels(self, request: Request) -> dict[str, list[dict[str, Any]]]:
        """What the start page shows of jobs."""
        unit = unit_of(request)
        return {
            "Jobs": await overview.last_hour(unit),
            "Queues": await overview.queues(unit),
            "Workers": await overview.workers(unit),
            "Schedules": await overview.schedules(unit),
        }


async def _job(request: Request, pk: int) -> tuple[UnitOfWork, Job]:
    unit = unit_of(request)
    return unit, await unit.get_one(Job, pk)


views = [JobAdmin]
