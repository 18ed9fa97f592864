"""What is removed of jobs: those that ended long ago, and those about a person."""

import re
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import String, Text, bindparam, cast, delete, func, or_
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.tasks.crud import crud_jobs
from features.tasks.models import Job
from kernel.db import CompiledQuery, UnitOfWork, now
from kernel.schemas import ReadSchema

# Ended jobs of the kernel tell nothing, and may name who has been erased meanwhile.
_is_over = col(Job.finished_at).is_not(None)
_is_kernels = col(Job.function).startswith("kernel.") & _is_over


class JobKey(ReadSchema):
    """The key of a job's row."""

    id: int


async def purge(db: UnitOfWork, age: timedelta, most: int) -> int:
    """Delete up to `most` jobs that ended so long ago. Returns how many."""
    found = await crud_jobs.get_multi(
        db,
        limit=most,
        schema_to_select=JobKey,
        return_as_model=True,
        return_total_count=False,
        where=or_(col(Job.finished_at) < now() - age, _is_kernels),
    )
    ids = [row.id for row in found["data"]]
    if ids:
        with suppress(NoResultFound):
            # But for those that somebody runs again at this moment.
            await crud_jobs.db_delete(db, allow_multiple=True, where=_is_over, id__in=ids)
    return len(ids)


# By hand, for it looks into texts: what a person has queued, and what holds the person's address.
_texts = func.concat_ws(" ", cast(col(Job.arguments), Text), cast(col(Job.result), Text), Job.error)
erase_about = CompiledQuery(
    delete(Job)
    .where(
        or_(
            col(Job.queued_by) == bindparam("queued_by"),
            # The first finds candidates, at a fraction of what the expression costs.
            (func.strpos(func.lower(_texts), bindparam("email", type_=String)) > 0)
            & _texts.op("~*")(bindparam("address", type_=String)),
            _is_kernels & (func.strpos(_texts, bindparam("username", type_=String)) > 0),
        )
    )
    .returning(col(Job.job_id)),
    writes=True,
)


def address_in_text(email: str) -> str:
    """A regular expression of PostgreSQL for that very address: no longer one that holds it."""
    before = r"(?<![\w.!#$%&'*+/=?^{|}~-])"
    return f"{before}{re.escape(email)}(?![\\w-]|\\.\\w)"
