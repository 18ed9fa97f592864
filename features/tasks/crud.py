"""Queries on jobs: the outbox and the history are one table, seen before and after a job's end."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Interval,
    String,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from features.tasks.models import NOT_BEGUN, Job, JobQuery, JobRead
from kernel.db import CompiledQuery, Listing

CRUDJobs: TypeAlias = FastCRUD[Job, Any, Any, Any, Any, JobRead]
crud_jobs: CRUDJobs = FastCRUD(Job)
listing = Listing(crud_jobs, JobRead, JobQuery)

_this = col(Job.job_id) == bindparam("job_id")
_unfinished = col(Job.finished_at).is_(None)


def _in(seconds: Any) -> Any:
    return func.now() + seconds


# A duplicate that waits is locked until this transaction commits, so it can't begin before it could
# see what this transaction wrote.
add = CompiledQuery(
    insert(Job)
    .values(
        job_id=bindparam("job_id"),
        function=bindparam("function"),
        arguments=bindparam("arguments"),
        request_id=bindparam("request_id"),
        queued_by=bindparam("queued_by"),
        unique_key=bindparam("unique_key"),
        status="waiting",
        tries=0,
        created_at=func.now(),
        hand_over_at=_in(bindparam("defer_by", type_=Interval)),
    )
    .on_conflict_do_update(
        index_elements=["unique_key"], index_where=NOT_BEGUN, set_={"updated_at": func.now()}
    )
    .returning(col(Job.job_id)),
    writes=True,
)

_due = (
    select(col(Job.id))
    .where(
        col(Job.hand_over_at) <= func.now(),
        col(Job.function) == any_(bindparam("known", type_=ARRAY(String))),
    )
    .order_by(col(Job.hand_over_at))
    .limit(bindparam("limit_", type_=Integer))
    .with_for_update(skip_locked=True)
)
# Jobs whose task this worker knows, so that during a deployment the new ones wait for the new.
take_due = CompiledQuery(
    update(Job)
    .where(col(Job.id).in_(_due.scalar_subquery()))
    .values(
        hand_over_at=_in(bindparam("recheck", type_=Interval)),
        status=case((col(Job.status) == "waiting", "queued"), else_=col(Job.status)),
    )
    .returning(
        col(Job.job_id),
        col(Job.function),
        col(Job.arguments),
        col(Job.request_id),
        col(Job.queued_by),
    ),
    writes=True,
)

# By hand for the race between attempts: it counts and begins in one step, unless the job has ended.
begin = CompiledQuery(
    update(Job)
    .where(_this, _unfinished)
    .values(status="in_progress", started_at=func.now(), tries=col(Job.tries) + 1)
    .returning(col(Job.tries)),
    writes=True,
)
# By hand for the race with a cancellation: of the two, the first ends the job.
complete = CompiledQuery(
    update(Job)
    .where(_this, _unfinished)
    .values(
        status="complete",
        result=bindparam("result"),
        error=null(),
        finished_at=func.clock_timestamp(),
        hand_over_at=null(),
    )
    .returning(col(Job.id)),
    writes=True,
)
_new_status = bindparam("new_status", type_=String)
# How an attempt failed. A later attempt, begun when this one seemed dead, has the last word.
note_failure = CompiledQuery(
    update(Job)
    .where(_this, _unfinished, col(Job.tries) == bindparam("attempt"))
    .values(
        status=_new_status,
        error=bindparam("error", type_=String),
        finished_at=bindparam("finished_at", type_=DateTime(timezone=True)),
        hand_over_at=case((_new_status == "failed", null()), else_=col(Job.hand_over_at)),
    )
    .returning(col(Job.id)),
    writes=True,
)
release = CompiledQuery(
    update(Job)
    .where(_this, _unfinished, col(Job.tries) == bindparam("attempt"))
    .values(status="queued", tries=col(Job.tries) - 1)
    .returning(col(Job.id)),
    writes=True,
)

# What isn't known of a job's end is null.
_ended: dict[str, Any] = {
    name: bindparam(name, None)
    for name in (
        "job_id",
        "function",
        "arguments",
        "request_id",
        "queued_by",
        "status",
        "tries",
        "error",
        "result",
        "created_at",
        "started_at",
        "finished_at",
    )
}
_record = insert(Job).values(**_ended)
# A plain job comes to the table only when it ends. One with a unique key comes again.
record = CompiledQuery(
    _record.on_conflict_do_update(
        index_elements=["job_id"],
        set_={name: _record.excluded[name] for name in _ended if name != "job_id"},
    ),
    writes=True,
)

one = CompiledQuery(crud_jobs.select(job_id=bindparam("job_id")))


def _change(where: Any, **values: Any) -> CompiledQuery:
    """One row: whether the job was `changed`, and whether it is `known` at all."""
    changed = update(Job).where(_this, where).values(**values).returning(col(Job.id)).cte()
    return CompiledQuery(
        select(
            exists(select(changed)).label("changed"),
            exists(select(col(Job.id)).where(_this)).label("known"),
        ),
        writes=True,
    )


cancel = _change(_unfinished, status="cancelled", finished_at=func.now(), hand_over_at=null())
requeue = _change(
    col(Job.finished_at).is_not(None),
    status="waiting",
    hand_over_at=func.now(),
    started_at=null(),
    finished_at=null(),
    tries=0,
    error=null(),
    result=null(),
)

_old = (
    select(col(Job.id))
    .where(col(Job.finished_at) < func.now() - bindparam("age", type_=Interval))
    .limit(bindparam("limit_", type_=Integer))
)
# By hand for its limit, so that many old jobs go in short transactions.
purge = CompiledQuery(
    delete(Job).where(col(Job.id).in_(_old.scalar_subquery())).returning(col(Job.id)), writes=True
)
