"""What tasks keep of a person: the jobs that the person has queued, without their secrets."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from features.tasks.crud import USER, crud_jobs
from features.tasks.models import JobDetail
from features.tasks.queued import without_secrets
from kernel.db import UnitOfWork
from kernel.jobs import declared

BATCH = 50


class Row(JobDetail):
    """A job, and by what the next ones are found."""

    id: int


async def jobs_of(db: UnitOfWork, user_id: int) -> AsyncIterator[Mapping[str, Any]]:
    """The jobs, each with what its task says is no secret."""
    last, more = 0, True
    while more:
        found = await crud_jobs.get_multi(
            db,
            limit=BATCH,
            schema_to_select=Row,
            sort_columns="id",
            return_total_count=False,
            queued_by=f"{USER}{user_id}",
            id__gt=last,
        )
        for row in found["data"]:
            task, arguments = declared().get(row["function"]), row["arguments"]
            shown = without_secrets(task.arguments, arguments) if task else dict.fromkeys(arguments)
            last = row.pop("id")
            yield {**row, "arguments": shown}
        more = len(found["data"]) == BATCH


exports = {"jobs": jobs_of}
