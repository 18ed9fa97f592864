"""What superusers see of queues, workers and schedules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.tasks import operations
from features.tasks.models import Job
from kernel import jobs
from kernel.db.tables import now
from kernel.jobs import arq_queue
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


async def test_a_queue_without_jobs_is_there_and_so_is_one_without_tasks(
    superuser: Person, resources: Resources
) -> None:
    await keep(resources, {"queue": "forgotten", "dispatch_at": now()})

    empty = await shown(superuser, "queues", "queue", "default")
    forgotten = await shown(superuser, "queues", "queue", "forgotten")

    assert (empty["durable_due"], empty["plain_due"], empty["oldest_seconds"]) == (0, 0, None)
    assert forgotten["durable_due"] == 1


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
    def run(milliseconds: int, **more: Any) -> dict[str, Any]:
        ended = {"status": "complete", "finished_at": now()}
        return {"job_id": f"cron:tasks.purge_jobs:{milliseconds}", **ended, **more}

    await keep(
        resources,
        run(1_700_000_000_000),
        run(1_700_000_060_000, status="failed"),
        run(1_700_000_000_001, job_id="cron:tasks.purge_jobs:later"),
        run(1_800_000_000_000, function="tasks.other"),
        {"status": "complete", "finished_at": now()},
    )

    purge = await shown(superuser, "schedules", "task", "tasks.purge_jobs")
    sessions = await shown(superuser, "schedules", "task", "auth.purge_sessions")

    assert purge["last_run"]["job_id"] == "cron:tasks.purge_jobs:1700000060000"
    assert purge["last_run"]["status"] == "failed"
    next_run = datetime.fromisoformat(purge["next_run_at"])
    assert (next_run.hour, next_run.minute, next_run.second) == (3, 17, 0)
    assert datetime.now(UTC) < next_run <= datetime.now(UTC) + timedelta(days=1)
    assert sessions["last_run"] is None


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
