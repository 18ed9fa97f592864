"""What superusers see of queues, workers and schedules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.tasks import operations
from features.tasks.models import Job
from features.tasks.queued import queued_job
from kernel import jobs
from kernel.db.tables import now
from kernel.jobs import Schedule, arq_queue
from kernel.redis.client import Redis
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory

V1 = "/api/v1/jobs"


@pytest.fixture
def redis(resources: Resources) -> Redis:
    client = resources.redis("queue")
    assert client is not None
    return client


async def shown(superuser: Person, what: str, key: str, name: str) -> Any:
    """The row of that name."""
    answer = await superuser.get(f"{V1}/{what}")
    assert answer.status_code == 200, answer.text
    [row] = [one for one in answer.json()["data"] if one[key] == name]
    return row


async def keep(resources: Resources, *kept: dict[str, Any]) -> None:
    async with resources.unit() as db:
        for number, values in enumerate(kept):
            given = {"job_id": f"job-{number}", "function": "tasks.purge_jobs", "arguments": {}}
            db.add(Job(**{**given, "status": "waiting", **values}))


async def test_a_queue_counts_what_is_due_and_what_runs_durable_or_not(
    superuser: Person, resources: Resources
) -> None:
    moment = now()
    await keep(
        resources,
        {"dispatch_at": moment - timedelta(seconds=100)},
        {"dispatch_at": moment - timedelta(seconds=10)},
        {"dispatch_at": moment + timedelta(hours=1)},
        {"dispatch_at": moment + timedelta(seconds=5), "status": "in_progress"},
        {"status": "complete", "finished_at": moment},
    )
    await jobs.enqueue(resources, "tasks.purge_jobs")

    queue = await shown(superuser, "queues", "queue", "default")

    assert (queue["durable_due"], queue["durable_running"], queue["plain_due"]) == (2, 1, 1)
    assert 100 <= queue["oldest_seconds"] < 110
    assert queue["workers"] == 0


async def test_a_queue_without_jobs_is_there(superuser: Person) -> None:
    empty = await shown(superuser, "queues", "queue", "default")

    assert (empty["durable_due"], empty["plain_due"], empty["oldest_seconds"]) == (0, 0, None)


async def test_a_worker_says_since_when_and_what_it_serves(
    superuser: Person, make_worker: WorkerFactory
) -> None:
    before = now().replace(microsecond=0)

    async with make_worker(burst=True) as worker:
        await worker.async_run()
        await worker.record_health()
        [row] = (await superuser.get(f"{V1}/workers")).json()["data"]
        queue = await shown(superuser, "queues", "queue", "default")

    assert before <= datetime.fromisoformat(row["since"]) <= now()
    assert (row["running"], "default" in row["queues"].split()) == (0, True)
    assert row["tasks"] >= len(jobs.declared())
    assert queue["workers"] == 1


async def test_a_worker_that_was_killed_isn_t_shown_and_an_older_one_is(
    superuser: Person, redis: Redis
) -> None:
    offer = {"until": 2**52, "queues": ["default", "reports"], "tasks": []}
    await redis.execute("HSET", arq_queue.WORKERS, "older", arq_queue.serialize(offer))
    dead = arq_queue.serialize({**offer, "until": 1})
    await redis.execute("HSET", arq_queue.WORKERS, "killed", dead)

    rows = (await superuser.get(f"{V1}/workers")).json()["data"]

    assert rows == [
        {
            "worker": "older",
            "since": None,
            "running": None,
            "queues": "default reports",
            "tasks": 0,
        }
    ]


async def test_a_schedule_says_when_it_runs_next_and_how_it_ended_last(
    superuser: Person, resources: Resources
) -> None:
    due = await shown(superuser, "schedules", "task", "tasks.purge_jobs")
    ended = {"status": "failed", "finished_at": now()}
    await keep(resources, {"job_id": due["job_id"], **ended}, {"status": "complete", **ended})

    purge = await shown(superuser, "schedules", "task", "tasks.purge_jobs")
    sessions = await shown(superuser, "schedules", "task", "auth.purge_sessions")

    assert due["last_run"] is due["last_run_at"] is None
    assert purge["last_run"]["status"] == "failed"
    last, upcoming = (
        datetime.fromisoformat(purge[name]) for name in ("last_run_at", "next_run_at")
    )
    assert (upcoming.hour, upcoming.minute, upcoming.second) == (3, 17, 0)
    assert upcoming - last == timedelta(days=1)
    assert sessions["last_run"] is None


@pytest.mark.parametrize(
    ("when", "apart"),
    [
        ({"second": None}, timedelta(seconds=1)),
        ({}, timedelta(minutes=1)),
        ({"minute": {0, 30}}, timedelta(minutes=30)),
        ({"minute": 5}, timedelta(hours=1)),
        ({"weekday": 0, "hour": 3, "minute": 5}, timedelta(days=7)),
    ],
)
def test_the_ticks_of_a_schedule_enclose_the_present(when: Any, apart: timedelta) -> None:
    schedule = Schedule(jobs.declared()["tasks.purge_jobs"], **when)

    last, upcoming = jobs.ticks(schedule)

    assert last is not None
    # ARQ's ticks are 0.123 seconds behind the second, and its next one is more than a second away.
    assert last < datetime.now(UTC) + timedelta(seconds=0.2)
    assert upcoming - last == apart


async def test_a_worker_queues_a_tick_under_the_id_that_is_shown(
    superuser: Person, resources: Resources, make_worker: WorkerFactory
) -> None:
    [schedule] = [one for one in jobs.schedules() if one.task.name == "tasks.purge_jobs"]
    last, _ = jobs.ticks(schedule)
    async with make_worker(burst=True) as worker:
        await worker.async_run()
        assert worker.cron_jobs is not None
        for cron in worker.cron_jobs:
            cron.next_run = last if cron.name == "cron:tasks.purge_jobs" else None
        await worker.run_cron(now(), delay=0.1)

    shown_id = (await shown(superuser, "schedules", "task", "tasks.purge_jobs"))["job_id"]
    assert await queued_job(resources, shown_id) is not None


async def test_without_redis_queues_show_what_the_database_knows(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(REDIS_QUEUE_URL="off") as app:
        resources: Resources = app.state.resources
        await keep(resources, {"dispatch_at": now()})
        async with resources.unit() as db:
            [queue] = [one for one in await operations.queues(db) if one.queue == "default"]
            workers = await operations.workers(db)

    assert (queue.durable_due, queue.plain_due, queue.workers) == (1, None, None)
    assert workers is None
