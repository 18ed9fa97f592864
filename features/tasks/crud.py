"""Queries on jobs: the outbox and the history are one table, seen before and after a job's end.

What the worker runs for each batch of jobs is compiled once. A claim, an end and a renewal are one
statement each, which is its own transaction, so they don't ask for the unit's.
"""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Interval,
    String,
    TableValuedAlias,
    any_,
    bindparam,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col

from features.tasks.models import NOT_BEGUN, Job, JobDetail, JobQuery, JobRead
from kernel.db import CompiledQuery, Listing, UnitOfWork

CRUDJobs: TypeAlias = FastCRUD[Job, Any, Any, Any, Any, JobDetail]
crud_jobs: CRUDJobs = FastCRUD(Job)
listing = Listing(Job, JobRead, JobQuery)

_unfinished = col(Job.finished_at).is_(None)
_known = col(Job.function) == any_(bindparam("known", type_=ARRAY(String)))
_now = func.now()


def _in(name: str) -> ColumnElement[Any]:
    return _now + bindparam(name, type_=Interval)


def _records(parameter: str, **types: Any) -> TableValuedAlias:
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
        queued_by=bindparam("queued_by"),
        unique_key=bindparam("unique_key"),
        queue=bindparam("queue"),
        status="waiting",
        tries=0,
        created_at=_now,
        dispatch_at=_in("defer_by"),
    )
    .on_conflict_do_update(
        index_elements=["unique_key"], index_where=NOT_BEGUN, set_={"updated_at": _now}
    )
    .returning(col(Job.job_id)),
    writes=True,
)

# SKIP LOCKED: several workers share the work. FOR NO KEY UPDATE: a row that refers to a job, not
# committed yet, hides the job from FOR UPDATE. Only tasks that this worker knows, so that during a
# deployment the new ones wait for the new.
_due = (
    select(col(Job.id), col(Job.dispatch_at).label("due_at"))
    .where(col(Job.queue) == bindparam("queue"), col(Job.dispatch_at) <= _now, _known)
    .order_by(col(Job.dispatch_at))
    .limit(bindparam("limit_", type_=Integer))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
claim = CompiledQuery(
    update(Job)
    .where(col(Job.id) == _due.c.id)
    .values(
        status="in_progress",
        started_at=_now,
        tries=col(Job.tries) + 1,
        dispatch_at=_in("lease"),
    )
    .returning(
        col(Job.id),
        col(Job.job_id),
        col(Job.function),
        col(Job.arguments),
        col(Job.request_id),
        col(Job.queued_by),
        col(Job.tries),
        col(Job.created_at),
        col(Job.started_at),
        func.date_part("epoch", _now - _due.c.due_at).label("waited"),
    )
)

# One index look-up for each queue, which FastCRUD has no words for.
_queues = func.unnest(bindparam("queues", type_=ARRAY(String))).column_valued("name")
_first = (
    select(func.date_part("epoch", col(Job.dispatch_at) - _now))
    .where(col(Job.queue) == _queues, col(Job.dispatch_at).is_not(None), _known)
    .order_by(col(Job.dispatch_at))
    .limit(1)
    .scalar_subquery()
)
due = CompiledQuery(select(_queues.label("queue"), _first.label("seconds")))

# SKIP LOCKED: a row that is being ended needs no renewal, and must not be waited for.
_running = (
    select(col(Job.id))
    .where(
        col(Job.id) == any_(bindparam("rows", type_=ARRAY(Integer))),
        _unfinished,
        col(Job.status) == "in_progress",
    )
    .with_for_update(skip_locked=True, key_share=True)
)
renew = CompiledQuery(
    update(Job)
    .where(col(Job.id).in_(_running.scalar_subquery()))
    .values(dispatch_at=_in("lease"))
    .returning(col(Job.id))
)

# How attempts ended. The first to complete a job has ended it; of failures, a later attempt, begun
# when this one seemed dead, has the last word.
_end = _records(
    "ends", row=Integer, tries=Integer, status=String, error=String, result=JSONB, delay=Float
)
_again = or_(_end.c.status == "waiting", _end.c.status == "queued")
_ending = (
    update(Job)
    .where(
        col(Job.id) == _end.c.row,
        _unfinished,
        or_(_end.c.status == "complete", col(Job.tries) == _end.c.tries),
    )
    .values(
        status=_end.c.status,
        error=_end.c.error,
        result=_end.c.result,
        tries=case((_end.c.status == "waiting", col(Job.tries) - 1), else_=col(Job.tries)),
        finished_at=case((_again, null()), else_=func.clock_timestamp()),
        dispatch_at=case((_again, _now + _end.c.delay * text("INTERVAL '1 second'"))),
    )
    .returning(col(Job.job_id))
)
end = CompiledQuery(_ending)
complete = CompiledQuery(_ending, writes=True)  # in the transaction of what the attempt wrote

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
_rows = _records("ends", **_ended)
_recording = insert(Job).from_select(
    [*_ended, "finished_at"],
    select(*_rows.c, func.clock_timestamp()),
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

# Declared anew, a task's waiting jobs follow: in a queue that no worker serves any more they would
# wait for ever. SKIP LOCKED: what is locked is about to run, or follows the next time.
_declared = func.jsonb_each_text(cast(bindparam("queues", type_=String), JSONB)).table_valued(
    "key", "value"
)
_misplaced = (
    select(col(Job.id))
    .where(
        col(Job.dispatch_at).is_not(None),
        col(Job.status) != "in_progress",
        col(Job.function) == _declared.c.key,
        col(Job.queue) != _declared.c.value,
    )
    .with_for_update(skip_locked=True, key_share=True, of=Job)
)
assign = CompiledQuery(
    update(Job)
    .where(
        col(Job.id).in_(_misplaced.correlate(None).scalar_subquery()),
        col(Job.function) == _declared.c.key,
    )
    .values(queue=_declared.c.value)
    .returning(col(Job.id))
)

# In batches: FastCRUD deletes all that match in one transaction.
_old = (
    select(col(Job.id))
    .where(col(Job.finished_at) < _now - bindparam("age", type_=Interval))
    .limit(bindparam("limit_", type_=Integer))
)
purge = CompiledQuery(
    delete(Job).where(col(Job.id).in_(_old.scalar_subquery())).returning(col(Job.id)), writes=True
)
