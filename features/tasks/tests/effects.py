"""A task that leaves an effect, and what the tests of the outbox ask of it."""

from typing import Any

from sqlalchemy import text

from features.tasks.crud import crud_jobs, one
from features.tasks.models import Job
from kernel import jobs
from kernel.db.compiled_query import CompiledQuery
from kernel.db.tables import now
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema

NAME = "tasks.write"
effects = CompiledQuery(text("SELECT count(*) FROM job WHERE function = 'effect'"))
move_back = CompiledQuery(
    text("UPDATE job SET hand_over_at = now() - interval '1 minute' WHERE hand_over_at > now()"),
    writes=True,
)


class Nothing(InputSchema):
    """A task without arguments."""


async def write_effect(ctx: JobContext, arguments: InputSchema) -> None:
    """Leave a row in the job's own transaction, for which the table of jobs serves as well."""
    effect = Job(
        job_id=f"effect of {ctx['job_id']} {ctx['job_try']}",
        function="effect",
        arguments={},
        status="complete",
        finished_at=now(),
    )
    await crud_jobs.create(ctx["db"], effect, commit=False)


async def add(resources: Resources, name: str = NAME, **arguments: Any) -> str:
    async with resources.unit() as db:
        return await jobs.add(db, name, **arguments)


async def row(resources: Resources, job_id: str) -> dict[str, Any]:
    async with resources.unit() as db:
        found = await one(db, job_id)
    assert found is not None
    return found.model_dump()


async def count_effects(resources: Resources) -> int:
    async with resources.unit() as db:
        return int(await effects.scalar(db))


async def come_due(resources: Resources) -> None:
    """Let a minute pass for the outbox."""
    async with resources.unit() as db:
        await move_back.scalar(db)


async def flush_queue(resources: Resources) -> None:
    redis = resources.redis("queue")
    assert redis is not None
    await redis.execute("FLUSHDB")
