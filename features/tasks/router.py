"""Routes of tasks, for the callers that queued them, and of jobs, for superusers."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from features.auth.permissions import SuperUser, optional_user
from features.tasks import crud, operations, queued
from features.tasks.models import (
    DUPLICATE_WAITS,
    JobDetail,
    JobListed,
    JobQuery,
    TaskQueued,
    TaskRead,
)
from features.tasks.operations import QueuesRead, SchedulesRead, WorkersRead
from features.tasks.permissions import may_see
from features.tasks.states import (
    cancel_queued,
    explained,
    kept_task,
    queued_detail,
    queued_task,
)
from kernel import jobs
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import ConflictException, NotFoundException, ServiceUnavailableException
from kernel.rate_limit import rate_limiter
from kernel.schemas import CleanText, Message
from kernel.web import SessionDep, error_responses

TASK_NOT_FOUND = "Task not found"
JOB_NOT_FOUND = "Job not found"
JOB_OVER = "The job has ended"
JOB_NOT_OVER = "The job has not ended"

router = APIRouter(tags=["tasks"])
JobId = Annotated[CleanText, Path(max_length=500)]


@router.post(
    "/tasks/task",
    status_code=201,
    response_model=TaskQueued,
    dependencies=[Depends(optional_user), Depends(rate_limiter)],
)
async def write_task(
    message: Annotated[CleanText, Query(min_length=1, max_length=1000, examples=["Hello"])],
    request: Request,
) -> TaskQueued:
    """Queue the sample task, which takes about five seconds and repeats the message."""
    job_id = await jobs.enqueue(request, "tasks.sample_background_task", message=message)
    return TaskQueued(id=job_id)


@router.get("/tasks/task/{task_id}", response_model=TaskRead, dependencies=[Depends(optional_user)])
async def read_task(task_id: JobId, request: Request, db: SessionDep) -> TaskRead:
    """Show the state of a task and, once it is complete, its result.

    Only the caller that queued it sees it, and superusers.
    """
    job = await queued.queued_job(db.resources, task_id)
    if job is not None and await may_see(request, job.queued_by):
        return queued_task(job)
    kept = await crud.one(db, task_id) if job is None else None
    if kept is not None and await may_see(request, kept.queued_by):
        return await kept_task(db.resources, kept)
    raise NotFoundException(TASK_NOT_FOUND)


@router.get("/jobs", response_model=pages_of(JobListed))
async def read_jobs(
    query: Annotated[JobQuery, Query()], caller: SuperUser, db: SessionDep
) -> JSONBytesResponse:
    """List the stored jobs: durable ones once they are queued, others once they have ended."""
    return await crud.listing.answer(db, query)


@router.get("/jobs/queues", response_model=QueuesRead)
async def read_queues(caller: SuperUser, db: SessionDep) -> QueuesRead:
    """Show how many jobs wait and run in each queue, and who serves it."""
    return QueuesRead(data=await operations.queues(db))


@router.get("/jobs/workers", response_model=WorkersRead)
async def read_workers(caller: SuperUser, db: SessionDep) -> WorkersRead:
    """Show the running workers."""
    workers = await operations.workers(db)
    if workers is None:
        raise ServiceUnavailableException(jobs.QUEUE_UNAVAILABLE)
    return WorkersRead(data=workers)


@router.get("/jobs/schedules", response_model=SchedulesRead)
async def read_schedules(caller: SuperUser, db: SessionDep) -> SchedulesRead:
    """Show what runs by the clock: when next, and how the last run went."""
    return SchedulesRead(data=await operations.schedules(db))


@router.get("/jobs/{job_id}", response_model=JobDetail)
async def read_job(job_id: JobId, caller: SuperUser, db: SessionDep) -> JobDetail:
    """Show a job with its arguments, its progress, and its result or error.

    A job that waits though no running worker would take it says why.
    """
    job = await crud.one(db, job_id)
    if job is None:
        with suppress(ServiceUnavailableException):
            waiting = await queued.queued_job(db.resources, job_id)
            job = queued_detail(waiting) if waiting else None
    if job is None:
        raise NotFoundException(JOB_NOT_FOUND)
    return await explained(db.resources, job)


@router.post(
    "/jobs/{job_id}/requeue",
    response_model=Message,
    responses=error_responses({422: [DUPLICATE_WAITS]}),
)
async def requeue_job(job_id: JobId, caller: SuperUser, db: SessionDep) -> Message:
    """Run an ended job again, from its first attempt."""
    job = await crud.requeue.one(db, job_id=job_id)
    assert job is not None
    if job["queue"] is None:
        raise NotFoundException(JOB_NOT_FOUND)
    if not job["changed"]:
        raise ConflictException(JOB_NOT_OVER)
    queued.wake_after_commit(db, job["queue"])
    return Message(message="Job queued again")


@router.post("/jobs/{job_id}/cancel", response_model=Message)
async def cancel_job(job_id: JobId, caller: SuperUser, db: SessionDep) -> Message:
    """Cancel a job: stop it, or keep it from starting."""
    job = await crud.cancel.one(db, job_id=job_id)
    assert job is not None
    if job["changed"]:
        queued.abort_after_commit(db, job_id, job["queue"])
    elif job["queue"] is not None:
        raise ConflictException(JOB_OVER)
    elif not await cancel_queued(db, job_id):
        raise NotFoundException(JOB_NOT_FOUND)
    return Message(message="Job cancelled")
