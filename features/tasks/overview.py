"""What runs, what waits and what has ended lately: rows of a few values each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from arq.cron import next_cron
from sqlalchemy import func, select
from sqlmodel import col

from features.tasks import claims
from features.tasks.crud import crud_jobs
from features.tasks.models import Job
from kernel import jobs
from kernel.db import UnitOfWork, now
from kernel.redis import RedisUnavailable

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
    """For each queue, how many durable jobs are due, and for how long the first one has been."""
    names = sorted({"default", *(task.lane for task in jobs.declared().values())})
    found = {row["queue"]: row for row in await claims.backlog.all(unit, queues=names)}
    running = await crud_jobs.count(unit, status="in_progress")
    rows: Rows = []
    for name in names:
        row = found.get(name, {"jobs": 0, "seconds": 0})
        rows.append({"queue": name, "due": row["jobs"], "for seconds": round(row["seconds"])})
    return [*rows, {"queue": "running, of all queues", "due": running, "for seconds": None}]


async def workers(unit: UnitOfWork) -> Rows:
    """The workers that are alive, and the queues that they serve."""
    redis, alive = unit.resources.redis("queue"), []
    if redis is None:
        return []
    try:
        found = await redis.execute("HGETALL", jobs.arq_queue.WORKERS)
    except RedisUnavailable:
        return [{"worker": AWAY}]
    moment = datetime.now(UTC).timestamp() * 1000
    pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
    for name, data in pairs:
        worker = jobs.arq_queue.deserialize(data)
        if worker["until"] > moment:
            served = ", ".join(worker["queues"])
            called = name.decode() if isinstance(name, bytes) else str(name)
            alive.append({"worker": called, "queues": served, "tasks": len(worker["tasks"])})
    return alive


async def schedules(unit: UnitOfWork) -> Rows:
    """What runs by itself: when it ran last, how that went, and when it will run next."""
    found = []
    for schedule in jobs.schedules():
        name = schedule.task.name
        newest: Any = await crud_jobs.get_multi(
            unit,
            limit=1,
            sort_columns="id",
            sort_orders="desc",
            return_total_count=False,
            function=name,
        )
        last = next(iter(newest["data"]), None)
        fields = ("month", "day", "weekday", "hour", "minute", "second")
        when: dict[str, Any] = {field: getattr(schedule, field) for field in fields}
        found.append(
            {
                "task": name,
                "last run": last["created_at"] if last else None,
                "status": last["status"] if last else None,
                "next run": next_cron(datetime.now(UTC), **when),
            }
        )
    return found
