"""Queries on jobs: the outbox and the history are one table, seen before and after a job's end.

What the worker asks of it stands in claims.py.
"""

from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    String,
    TableValuedAlias,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col

from features.tasks.models import LISTED, NOT_BEGUN, Job, JobDetail, JobListed, JobQuery
from features.users.models import User
from kernel.db import CompiledQuery, Listing, UnitOfWork

crud_jobs = FastCRUD(Job)
listing = Listing(crud_jobs, JobListed, JobQuery, shorten=LISTED)

USER = "user:"  # what `queued_by` begins with where it names a user
_unfinished = col(Job.finished_at).is_(None)
_now = func.now()


def after(name: str) -> ColumnElement[Any]:
    """The moment so long from now, given as an interval."""
    return _now + bindparam(name, type_=Interval)


def records(parameter: str, **types: Any) -> TableValuedAlias:
    """Rows in one parameter, a JSON array: however many, the statement is the same."""
    rows = cast(bindparam(parameter, type_=String), JSONB)
    columns = [column(name, kind) for name, kind in types.items()]
    return func.jsonb_to_recordset(rows).table_valued(*columns).render_derived(with_types=True)


async def one(db: UnitOfWork, job_id: str) -> JobDetail | None:
    """The stored job, or None."""
    return await crud_jobs.get(
        db, schema_to_select=JobDetail, return_as_model=True, one_or_none=True, job_id=job_id
    )


# ON CONFLICT: a duplicate that waits is locked until this transaction commits, so it can't begin
# before it could see what this transaction wrote.
add = CompiledQuery(
    insert(Job)
    .values(
        job_id=bindparam("job_id"),
        function=bindparam("function"),
        arguments=bindparam("arguments"),
        request_id=bindparam("request_id"),
        traceparent=bindparam("traceparent"),
        queued_by=bindparam("queued_by"),
        unique_key=bindparam("unique_key"),
        queue=bindparam("queue"),
        status="waiting",
        tries=0,
        created_at=_now,
        dispatch_at=after("defer_by"),
    )
    .on_conflict_do_update(
        index_elements=["unique_key"], index_where=NOT_BEGUN, set_={"updated_at": _now}
    )
    .returning(col(Job.job_id)),
    writes=True,
)

# A plain job comes to the table only when it ends. One with a unique key comes again.
_ended: dict[str, Any] = {
    "job_id": String,
    "function": String,
    "arguments": JSONB,
    "request_id": String,
    "queued_by": String,
    "queue": String,
    "status": String,
    "tries": Integer,
    "error": String,
    "result": JSONB,
    "created_at": DateTime(timezone=True),
    "started_at": DateTime(timezone=True),
}
_rows = records("ends", **_ended)
# Whatever another client of the queue has written there.
_is_users = _rows.c.queued_by.regexp_match(f"^{USER}[0-9]{{1,18}}$")
_user_id = cast(func.substr(_rows.c.queued_by, len(USER) + 1), BigInteger)
# Locked: of an erasure that is under way, its end is waited for.
_user = (
    select(col(User.id)).where(col(User.id) == _user_id).with_for_update(key_share=True, read=True)
)
_recording = insert(Job).from_select(
    [*_ended, "finished_at"],
    # A job that outlived the user who had queued it leaves no trace of that user.
    select(*_rows.c, func.clock_timestamp()).where(case((_is_users, _user.exists()), else_=true())),
    include_defaults=False,
)
record = CompiledQuery(
    _recording.on_conflict_do_update(
        index_elements=["job_id"],
        set_={
            name: _recording.excluded[name] for name in [*_ended, "finished_at"] if name != "job_id"
        },
        where=col(Job.dispatch_at).is_(None),
    ),
    writes=True,
)


def _change(where: Any, **values: Any) -> CompiledQuery:
    """One row, and one statement: FastCRUD's update counts first, and another one may come in
    between. Says whether the job was `changed`, whether it is `known` at all, and its queue."""
    this = col(Job.job_id) == bindparam("job_id")
    changed = update(Job).where(this, where).values(**values).returning(col(Job.id)).cte()
    return CompiledQuery(
        select(
            exists(select(changed)).label("changed"),
            select(col(Job.queue)).where(this).scalar_subquery().label("queue"),
        ),
        writes=True,
    )


cancel = _change(_unfinished, status="cancelled", finished_at=_now, dispatch_at=null())
requeue = _change(
    col(Job.finished_at).is_not(None),
    status="waiting",
    dispatch_at=_now,
    started_at=null(),
    finished_at=null(),
    tries=0,
    error=null(),
    result=null(),
)
