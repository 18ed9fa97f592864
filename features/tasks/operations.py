"""What an operator asks: how long queues are, which workers run, when schedules run."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import ARRAY, String, any_, bindparam
from sqlmodel import col

from features.tasks.claims import backlog
from features.tasks.crud import crud_jobs
from features.tasks.models import Job, Status
from features.tasks.queued import live_workers, plain_backlog
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
    """A run of a schedule's task."""

    job_id: str = Field(max_length=MAX_NAME)
    status: Status
    started_at: datetime | None
    finished_at: datetime | None


class ScheduleRead(ReadSchema):
    """A task that runs by the clock."""

    task: str = Field(max_length=MAX_NAME)
    queue: str = Field(max_length=MAX_NAME)
    next_run_at: datetime
    last_run_at: datetime | None = Field(
        description="When it was due last, if that run has ended. Null as `last_run` is."
    )
    job_id: str | None = Field(
        max_length=MAX_NAME, description="The job of the last time that it was due, run or not."
    )
    last_run: RunRead | None = Field(
        None, description="How that job ended. Null: it hasn't, no worker ran, or it is forgotten."
    )


class SchedulesRead(ReadSchema):
    """What runs by the clock."""

    data: list[ScheduleRead] = Field(max_length=MAX_SHOWN)


class _Running(ReadSchema):
    queue: str


running = CompiledQuery(crud_jobs.select(_Running, status="in_progress"), _Running)
runs = CompiledQuery(
    crud_jobs.select(
        RunRead,
        where=col(Job.job_id) == any_(bindparam("job_ids", type_=ARRAY(String))),
    ),
    RunRead,
)


async def queues(unit: UnitOfWork) -> list[QueueRead]:
    """The queues that tasks are put into."""
    names = jobs.queues()[:MAX_SHOWN]
    due = {row["queue"]: row for row in await backlog.all(unit, queues=names)}
    begun = Counter(job.queue for job in await running.all(unit))
    plain = await plain_backlog(unit.resources, names)
    alive = await live_workers(unit.resources)
    return [_queue(name, due.get(name), begun[name], plain, alive) for name in names]


def _queue(
    name: str,
    durable: Mapping[str, Any] | None,
    begun: int,
    plain: Mapping[str, tuple[int, float]] | None,
    alive: Mapping[str, Any] | None,
) -> QueueRead:
    due, age = plain[name] if plain else (None, 0.0)
    ages: list[float] = [age] if due else []
    if durable:
        ages.append(durable["seconds"])
    return QueueRead(
        queue=name[:MAX_NAME],
        durable_due=durable["jobs"] if durable else 0,
        durable_running=begun,
        plain_due=due,
        oldest_seconds=max(ages, default=None),
        workers=None if alive is None else sum(name in one["queues"] for one in alive.values()),
    )


async def workers(unit: UnitOfWork) -> list[WorkerRead] | None:
    """The running workers, by name; None while Redis is away."""
    alive = await live_workers(unit.resources)
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
    shown: list[ScheduleRead] = []
    due: dict[str | None, datetime | None] = {}
    for schedule in jobs.schedules():
        task = schedule.task
        last, upcoming = jobs.ticks(schedule)
        shown.append(
            ScheduleRead(
                task=task.name[:MAX_NAME],
                queue=task.lane[:MAX_NAME],
                next_run_at=upcoming,
                last_run_at=None,
                last_run=None,
                job_id=jobs.tick_id(task.name, last)[:MAX_NAME] if last else None,
            )
        )
        due[shown[-1].job_id] = last
    ids = [one.job_id for one in shown]
    ended = {run.job_id: run for run in await runs.all(unit, job_ids=ids)}
    for one in shown:
        one.last_run = ended.get(one.job_id or "")
        # A tick is no run: at this one there may have been no worker, or not yet this schedule.
        one.last_run_at = due[one.job_id] if one.last_run else None
    return sorted(shown, key=lambda one: (one.next_run_at, one.task))[:MAX_SHOWN]
