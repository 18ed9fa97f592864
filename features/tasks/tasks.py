"""The sample task of POST /tasks/task."""

import asyncio

from pydantic import Field

from kernel.jobs import JobContext, task
from kernel.shapes import CleanText, InputShape

SECONDS = 5


class Sample(InputShape):
    """What the sample task is told."""

    message: CleanText = Field(min_length=1, max_length=1000)


@task("tasks.sample_background_task", timeout=30)
async def sample_background_task(ctx: JobContext, arguments: Sample) -> str:
    """Take five seconds, telling each of them."""
    for second in range(1, SECONDS + 1):
        await asyncio.sleep(1)
        await ctx["progress"](second, SECONDS, f"{second} of {SECONDS} seconds")
    return f"Task {arguments.message} is complete!"


functions = [sample_background_task]
cron_jobs: list[object] = []
