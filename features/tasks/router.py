"""Routes of tasks."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from features.auth.permissions import optional_user
from features.tasks.crud import queued_job
from features.tasks.models import TaskQueued, TaskRead
from features.tasks.permissions import may_see
from kernel import jobs
from kernel.context import context_of
from kernel.errors import NotFoundException
from kernel.job_queue import JobInfo
from kernel.limits import rate_limiter
from kernel.openapi import answers
from kernel.routing import Router
from kernel.shapes import CleanText

TASK_NOT_FOUND = "Task not found"

router = Router(tags=["tasks"])


@router.post(
    "/tasks/task",
    status_code=201,
    response_model=TaskQueued,
    dependencies=[Depends(optional_user), Depends(rate_limiter)],
    responses=answers({503: [jobs.QUEUE_AWAY]}),
)
async def write_task(
    message: Annotated[CleanText, Query(min_length=1, max_length=1000)], request: Request
) -> TaskQueued:
    """Queue the sample task: it takes about five seconds and repeats the message."""
    job_id = await jobs.enqueue(request, "tasks.sample_background_task", message=message)
    return TaskQueued(id=job_id)


@router.get(
    "/tasks/task/{task_id}",
    response_model=TaskRead,
    dependencies=[Depends(optional_user)],
    responses=answers({404: [TASK_NOT_FOUND], 503: [jobs.QUEUE_AWAY]}),
)
async def read_task(
    task_id: Annotated[CleanText, Path(max_length=200)], request: Request
) -> JobInfo:
    """Show a job to whoever queued it, and to superusers: its state, then its result."""
    job = await queued_job(context_of(request).resources, task_id)
    if job is None or not await may_see(request, job.queued_by):
        raise NotFoundException(TASK_NOT_FOUND)
    return job
