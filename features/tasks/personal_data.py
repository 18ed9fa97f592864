"""What tasks keep of a person: the jobs that the person has queued, without their secrets."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from features.tasks.models import Job, JobDetail
from kernel.db import UnitOfWork
from kernel.jobs import declared, without_secrets

BATCH = 50
COLUMNS = [name for name in JobDetail.model_fields if name in Job.model_fields]


async def jobs_of(db: UnitOfWork, user_id: int) -> AsyncIterator[Mapping[str, Any]]:
    """The jobs, each with what its task says is no secret."""
    connection = await db.connection()
    statement = (
        select(*[getattr(Job, name) for name in COLUMNS])
        .where(col(Job.queued_by) == f"user:{user_id}")
        .order_by(col(Job.id))
        .execution_options(yield_per=BATCH)
    )
    async with connection.stream(statement) as result:
        async for row in result.mappings():
            task = declared().get(row["function"])
            arguments = row["arguments"]
            shown = without_secrets(task.arguments, arguments) if task else dict.fromkeys(arguments)
            yield {**row, "arguments": shown}


exports = {"jobs": jobs_of}
