"""What runs, what waits and what has ended lately: rows of a few values each."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from features.tasks import operations
from features.tasks.models import Job
from kernel.db import UnitOfWork, now

MINUTES = 60
AWAY = "The queue is away."
Rows = list[dict[str, Any]]


async def last_hour(unit: UnitOfWork) -> Rows:
    """How many jobs ended in each minute of the last hour, and how many of them failed."""
    minute = func.date_trunc("minute", col(Job.finished_at))
    failed = func.count().filter(col(Job.status) == "failed")
    since = now().replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    # By hand: FastCRUD groups nothing.
    statement = (
        select(minute, func.count(), failed).where(col(Job.finished_at) >= since).group_by(minute)
    )
    ended, gone_wrong = [0] * MINUTES, [0] * MINUTES
    for moment, number, wrong in (await unit.execute(statement)).all():
        place = int((moment - since).total_seconds() // 60)
        if 0 <= place < MINUTES:
            ended[place], gone_wrong[place] = number, wrong
    return [
        {"ended": sum(ended), "last hour": ended},
        {"ended": f"{sum(gone_wrong)} failed", "last hour": gone_wrong},
    ]


async def queues(unit: UnitOfWork) -> Rows:
    """How many jobs wait and run in each queue, and how long the first one has been due."""
    return [
        {
            "queue": one.queue,
            "durable due": one.durable_due,
            "running": one.durable_running,
            "plain due": one.plain_due,
            "oldest, seconds": None if one.oldest_seconds is None else round(one.oldest_seconds),
            "workers": one.workers,
        }
        for one in await operations.queues(unit)
    ]


async def workers(unit: UnitOfWork) -> Rows:
    """The workers that are alive, and the queues that they serve."""
    found = await operations.workers(unit)
    return [{"worker": AWAY}] if found is None else [one.model_dump() for one in found]


async def schedules(unit: UnitOfWork) -> Rows:
    """What runs by itself: when it ran last, how that went, and when it will run next."""
    return [
        {
            "task": one.task,
            "last run": one.last_run.finished_at if one.last_run else None,
            "status": one.last_run.status if one.last_run else None,
            "next run": one.next_run_at,
        }
        for one in await operations.schedules(unit)
    ]
