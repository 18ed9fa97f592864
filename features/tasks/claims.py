"""What the worker asks of the table of jobs: claims, leases and ends, many in one statement.

Each is compiled once, and is its own transaction, so it doesn't ask for the unit's.
"""

from sqlalchemy import (
    ARRAY,
    Float,
    Integer,
    String,
    any_,
    bindparam,
    case,
    cast,
    func,
    label,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from features.tasks.crud import after, records
from features.tasks.models import Job
from kernel.db import CompiledQuery

_known = col(Job.function) == any_(bindparam("known", type_=ARRAY(String)))
_unfinished = col(Job.finished_at).is_(None)
_now = func.now()

# SKIP LOCKED: several workers share the work. FOR NO KEY UPDATE: a row that refers to a job, not
# committed yet, hides the job from FOR UPDATE. Only tasks that this worker knows, so that during a
# deployment the new ones wait for the new.
_due = (
    select(col(Job.id), label("due_at", col(Job.dispatch_at)))
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
        dispatch_at=after("lease"),
    )
    .returning(
        col(Job.id),
        col(Job.job_id),
        col(Job.function),
        col(Job.arguments),
        col(Job.request_id),
        col(Job.traceparent),
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

# A job that runs is due again when its lease ends, so what is due now hasn't begun.
backlog = CompiledQuery(
    select(
        col(Job.queue),
        func.count().label("jobs"),
        func.date_part("epoch", _now - func.min(col(Job.dispatch_at))).label("seconds"),
    )
    .where(
        col(Job.queue) == any_(bindparam("queues", type_=ARRAY(String))),
        col(Job.dispatch_at) <= _now,
    )
    .group_by(col(Job.queue))
)

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
    .values(dispatch_at=after("lease"))
    .returning(col(Job.id))
)

# How attempts ended. The first to complete a job has ended it; of failures, a later attempt, begun
# when this one seemed dead, has the last word.
_end = records(
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
