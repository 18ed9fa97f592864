"""The sample task of POST /tasks/task, and the purge of old jobs."""

import asyncio
from datetime import timedelta

from pydantic import Field

from features.tasks.removal import purge
from features.tasks.settings import JobSettings
from kernel.jobs import JobContext, Schedule, task
from kernel.schemas import CleanText, InputSchema

SECONDS = 5
PURGE_BATCH = 5000


class Sample(InputSchema):
    """Arguments of the sample task."""

    message: CleanText = Field(min_length=1, max_length=1000)


class Nothing(InputSchema):
    """A scheduled task has no arguments."""


@task("tasks.sample_background_task", timeout=30)
async def sample_background_task(ctx: JobContext, arguments: Sample) -> str:
    """Take five seconds, reporting each of them."""
    for second in range(1, SECONDS + 1):
        await asyncio.sleep(1)
        await ctx["progress"](second, SECONDS, f"{second} of {SECONDS} seconds")
    return f"Task {arguments.message} is complete!"


@task("tasks.purge_jobs", max_tries=3)
async def purge_jobs(ctx: JobContext, arguments: Nothing) -> int:
    """Delete the jobs that ended more than JOB_HISTORY_DAYS ago; return how many."""
    days = ctx["resources"].settings.group(JobSettings).job_history_days
    deleted = 0
    while True:
        # A transaction for each batch, so that none is long.
        async with ctx["resources"].unit() as db:
            number = await purge(db, timedelta(days=days), PURGE_BATCH)
        deleted += number
        if number < PURGE_BATCH:
            return deleted


functions = [sample_background_task, purge_jobs]
cron_jobs = [Schedule(purge_jobs, hour=3, minute=17)]
