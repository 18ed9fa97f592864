"""What an operator asks: how long queues are, which workers run, when schedules run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import ARRAY, String, bindparam, column, func, select, true
from sqlmodel import col

from features.tasks.models import Job, Status
from kernel import jobs
from kernel.db import CompiledQuery, UnitOfWork
from kernel.schemas import ReadSchema

MAX_NAME = 200
MAX_SHOWN = 100


class QueueRead(ReadSchema):
    """A queue. What Redis holds of it is null while Redis is away."""

    queue: str = Field(max_length=MAX_NAME)
    durable_due: int = Field(description="Durable jobs that are due and haven't begun.")
    durable_running: int
    plain_due: int | None = Field(description="Other jobs that are due and haven't begun.")
    oldest_seconds: float | None = Field(
        description="How long the first of them has been due; null where none is."
    )
    workers: int | None = Field(description="Running workers that serve it.")


class QueuesRead(ReadSchema):
    """The queues that tasks are put into."""

    data: list[QueueRead] = Field(max_length=MAX_SHOWN)


class WorkerRead(ReadSchema):
    """A running worker, by what it said of itself in the last 21 seconds."""

    worker: str = Field(max_length=MAX_NAME, description="Host, process, and a number.")
    since: datetime | None
    running: int | None = Field(description="Jobs that it was running then.")
    queues: str = Field(max_length=1000, description="Those it serves, separated by spaces.")
    tasks: int = Field(description="How many tasks it knows.")


class WorkersRead(ReadSchema):
    """The running workers."""

    data: list[WorkerRead] = Field(max_length=MAX_SHOWN)


class RunRead(ReadSchema):
    """The last run of a schedule that has ended."""

    job_id: str = Field(max_length=MAX_NAME)
    status: Status
    started_at: datetime | None
    finished_at: datetime | None


class ScheduleRead(ReadSchema):
    """A task that runs by the clock."""

    task: str = Field(max_length=MAX_NAME)
    queue: str = Field(max_length=MAX_NAME)
    next_run_at: datetime
    last_run: RunRead | None = Field(
        description="Null where none has ended in the days that jobs are kept."
    )


class SchedulesRead(ReadSchema):
    """What runs by the clock."""

    data: list[ScheduleRead] = Field(max_length=MAX_SHOWN)


_now = func.now()
_begun = col(Job.status) == "in_progress"
_due = (col(Job.dispatch_at) <= _now) & ~_begun
# By hand for its filters, which FastCRUD has no words for. What has ended has no dispatch_at, so
# the index of waiting jobs holds all that is counted.
durable = CompiledQuery(
    select(
        col(Job.queue),
        func.count().filter(_due).label("due"),
        func.count().filter(_begun).label("running"),
        func.date_part("epoch", _now - func.min(col(Job.dispatch_at)).filter(_due)).label("age"),
    )
    .where(col(Job.dispatch_at).is_not(None))
    .group_by(col(Job.queue))
)

# The worker names a run by its tick, in milliseconds, so the unique index finds the last one.
_given = func.unnest(bindparam("names", type_=ARRAY(String)))
# Derived, or `names.name` would be the row cast to PostgreSQL's type `name`, of 63 characters.
_names = _given.table_valued(column("name", String), name="names").render_derived()
_tick = "cron:" + _names.c.name + ":"
_last = (
    select(col(Job.job_id), col(Job.status), col(Job.started_at), col(Job.finished_at))
    .where(
        col(Job.job_id).between(_tick + "0", _tick + "9999999999999"),
        col(Job.job_id).startswith(_tick),
        col(Job.function) == _names.c.name,
    )
    .order_by(col(Job.job_id).desc())
    .limit(1)
    .lateral("last")
)
last_runs = CompiledQuery(select(_names.c.name, *_last.c).select_from(_names.join(_last, true())))


async def queues(unit: UnitOfWork) -> list[QueueRead]:
    """The queues of all tasks, and those that have jobs although no task is declared for them."""
    kept = {row["queue"]: row for row in await durable.all(unit)}
    names = sorted({*jobs.queues(), *kept})[:MAX_SHOWN]
    plain = await jobs.plain_backlog(unit.resources, names)
    alive = await jobs.live_workers(unit.resources)
    return [_queue(name, kept.get(name, {}), plain, alive) for name in names]


def _queue(
    name: str,
    kept: Mapping[str, Any],
    plain: Mapping[str, tuple[int, float]] | None,
    alive: Mapping[str, Any] | None,
) -> QueueRead:
    due, age = plain[name] if plain else (None, 0.0)
    ages: list[float] = [age] if due else []
    if kept.get("due"):
        ages.append(kept["age"])
    return QueueRead(
        queue=name[:MAX_NAME],
        durable_due=kept.get("due", 0),
        durable_running=kept.get("running", 0),
        plain_due=due,
        oldest_seconds=max(ages, default=None),
        workers=None if alive is None else sum(name in one["queues"] for one in alive.values()),
    )


async def workers(unit: UnitOfWork) -> list[WorkerRead] | None:
    """The running workers, by name; None while Redis is away."""
    alive = await jobs.live_workers(unit.resources)
    if alive is None:
        return None
    return [
        WorkerRead(
            worker=name[:MAX_NAME],
            # A worker of the release before says neither.
            since=jobs.moment(worker["since"]) if "since" in worker else None,
            running=worker.get("running"),
            queues=" ".join(worker["queues"])[:1000],
            tasks=len(worker["tasks"]),
        )
        for name, worker in sorted(alive.items())[:MAX_SHOWN]
    ]


async def schedules(unit: UnitOfWork) -> list[ScheduleRead]:
    """What runs by the clock, by what is next."""
    declared = jobs.schedules()
    names = [one.task.name for one in declared]
    last = {row.pop("name"): RunRead(**row) for row in await last_runs.all(unit, names=names)}
    shown = [
        ScheduleRead(
            task=one.task.name[:MAX_NAME],
            queue=one.task.lane[:MAX_NAME],
            next_run_at=jobs.next_run(one),
            last_run=last.get(one.task.name),
        )
        for one in declared
    ]
    return sorted(shown, key=lambda one: (one.next_run_at, one.task))[:MAX_SHOWN]
