"""Our worker with the functions of the jobs' bench: `arq infra.bench.jobs_ours.WorkerSettings`."""

import asyncio
import time

import structlog
from sqlalchemy import text

from kernel import jobs
from kernel.db.compiled_query import CompiledQuery
from kernel.jobs.declare import JobContext, task
from kernel.schemas.schemas import InputSchema
from kernel.settings import load_settings
from workers import options, settings

log = structlog.get_logger("bench")
insert = CompiledQuery(
    text("INSERT INTO bench_effect VALUES (CAST(:number AS integer)) RETURNING 1"), writes=True
)


class Number(InputSchema):
    """Which job it is."""

    number: int


@task("tasks.log_line")
async def log_line(ctx: JobContext, arguments: Number) -> None:
    """Log a line."""
    log.info("job", number=arguments.number)


@task("tasks.wait")
async def wait(ctx: JobContext, arguments: Number) -> None:
    """Wait a tenth of a second."""
    await asyncio.sleep(0.1)


@task("tasks.tell")
async def tell(ctx: JobContext, arguments: Number) -> None:
    """Note when it has begun."""
    begun = f"{arguments.number} {time.time()}"
    redis = ctx["resources"].redis("queue")
    assert redis is not None
    await redis.execute("RPUSH", "bench:started", begun)


@task("tasks.write")
async def write(ctx: JobContext, arguments: Number) -> None:
    """Write a row in the job's transaction."""
    await insert.scalar(ctx["db"], number=arguments.number)


def register() -> None:
    """Declare them, in the worker and in the process that queues."""
    for one in (log_line, wait, tell, write):
        jobs.declared()[one.name] = one


register()
assert settings.WorkerSettings  # imported for arq's command to build our worker
WorkerSettings = options.options(load_settings())
