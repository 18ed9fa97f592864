"""The worker: leases, schedules once per tick, a Redis that comes and goes, the start."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.valkey import start_valkey
from kernel import jobs
from kernel.config.loader import ROOT, Settings, SettingsError
from kernel.jobs import registry
from kernel.jobs.declare import JobContext, Schedule
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.jobs import Declare, WorkerFactory
from tests.needs import needs_outbox
from workers.options import options


class Nothing(InputSchema):
    """A task without arguments."""


@pytest.fixture
def valkey_folder() -> Iterator[Path]:
    """Where a server of the test's own keeps its data, its port and its password."""
    with tempfile.TemporaryDirectory(prefix="worker-") as folder:
        yield Path(folder)


async def test_a_running_job_is_marked_by_a_short_lease_that_is_renewed(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    begun: list[str] = []

    @declare("tasks.long")
    async def long(ctx: JobContext, arguments: Nothing) -> None:
        begun.append(ctx["job_id"])
        await asyncio.sleep(2.2)

    job_id = await jobs.enqueue(resources, "tasks.long")
    redis = resources.redis("queue")
    assert redis is not None
    lease = {"WORKER_LEASE": "1"}
    async with make_worker(True, **lease) as one, make_worker(True, **lease) as two:
        running = asyncio.gather(one.async_run(), two.async_run())
        left: list[int] = []
        while not running.done():
            left.append(await redis.execute("PTTL", f"arq:in-progress:{job_id}"))
            await asyncio.sleep(0.05)
        await running

    marked = [number for number, ttl in enumerate(left) if ttl > 0]
    assert marked
    during = left[marked[0] : marked[-1] + 1]
    assert min(during) > 0
    assert max(during) <= 1000
    assert begun == [job_id]


async def test_the_job_of_a_dead_worker_runs_again_after_its_lease(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    tries: list[int] = []

    @declare("tasks.any")
    async def note(ctx: JobContext, arguments: Nothing) -> None:
        tries.append(ctx["job_try"])

    job_id = await jobs.enqueue(resources, "tasks.any")
    redis = resources.redis("queue")
    assert redis is not None
    # What a worker leaves that is killed just after it took the job.
    await redis.execute("PSETEX", f"arq:in-progress:{job_id}", 500, "1")
    await redis.execute("SET", f"arq:retry:{job_id}", 1)

    async with make_worker(burst=True) as worker, asyncio.timeout(20):
        await worker.async_run()

    assert tries == [2]


async def test_a_tick_runs_once_however_many_workers_there_are(
    declare: Declare, make_worker: WorkerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: Counter[str] = Counter()

    @declare("tasks.tick")
    async def tick(ctx: JobContext, arguments: Nothing) -> None:
        ticks[ctx["job_id"]] += 1

    schedule = Schedule(tick, second=set(range(60)))
    monkeypatch.setattr(registry, "schedules", lambda: [schedule])
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(make_worker()) for _ in range(3)]
        running = [asyncio.create_task(worker.async_run()) for worker in workers]
        await asyncio.sleep(3.2)
        for task in running:
            task.cancel()

    assert len(ticks) >= 2
    assert set(ticks.values()) == {1}


async def test_a_worker_that_is_late_does_not_repeat_a_tick(
    resources: Resources,
    declare: Declare,
    make_worker: WorkerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks: list[str] = []

    @declare("tasks.tick")
    async def tick(ctx: JobContext, arguments: Nothing) -> None:
        ticks.append(ctx["job_id"])

    # Once a day, half a day ago: the worker's own beat, at any time, finds no tick but this one.
    due = (datetime.now(UTC) - timedelta(hours=12)).replace(microsecond=0)
    daily = Schedule(tick, hour=due.hour, minute=due.minute, second=due.second)
    monkeypatch.setattr(registry, "schedules", lambda: [daily])
    redis = resources.redis("queue")
    assert redis is not None
    for _ in range(2):
        async with make_worker(burst=True) as worker:
            await worker.async_run()
            worker.cron_jobs[0].next_run = due
            await worker.run_cron(due, delay=0.5)
            worker.cron_jobs[0].next_run = None
            await worker.async_run()
        # A minute goes by, for which ARQ itself would remember the tick.
        await redis.execute("DEL", *await redis.execute("KEYS", "arq:in-progress:*"), "nothing")

    assert len(ticks) == 1


@needs_outbox
async def test_the_worker_outlives_redis_and_what_redis_lost_is_run(
    setting_values: dict[str, str],
    declare: Declare,
    make_worker: WorkerFactory,
    valkey_folder: Path,
) -> None:
    server = start_valkey(valkey_folder, durable=False)
    values = {"REDIS_QUEUE_URL": server.url}
    done: list[str] = []

    @declare("tasks.any")
    async def note(ctx: JobContext, arguments: Nothing) -> None:
        done.append(ctx["job_id"])

    own = Resources(Settings({**setting_values, **values}))
    async with make_worker(**values) as worker, asyncio.timeout(30):
        running = asyncio.create_task(worker.async_run())
        server.child.process.kill()
        async with own.unit() as db:
            ids = [await jobs.add(db, "tasks.any") for _ in range(3)]
        await asyncio.sleep(0.7)
        server = start_valkey(valkey_folder, durable=False)
        while len(done) < len(ids):  # noqa: ASYNC110 - the jobs report to no test
            await asyncio.sleep(0.05)
        assert not running.done()
        running.cancel()
    await own.close()
    server.stop()

    assert sorted(done) == sorted(ids)


async def test_a_queue_that_is_turned_off_leaves_nothing_to_do() -> None:
    with pytest.raises(SettingsError, match="REDIS_QUEUE_URL is off"):
        options(Settings({"REDIS_QUEUE_URL": "off"}))


def test_arqs_command_builds_our_worker_and_names_bad_settings(
    setting_values: dict[str, str],
) -> None:
    code = """
import arq.worker, os
os.environ["WORKER_MAX_JOBS"] = "none"
try:
    import workers.settings
except SystemExit as refusal:
    print(refusal)
del os.environ["WORKER_MAX_JOBS"]
import workers.settings
print(type(arq.worker.create_worker(workers.settings.WorkerSettings)))
"""

    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **setting_values},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout.startswith("The settings can't be used"), run.stderr
    assert "WORKER_MAX_JOBS: " in run.stdout
    assert run.stdout.endswith("<class 'workers.worker.Worker'>\n"), run.stderr


def test_a_worker_loads_nothing_of_the_http_side() -> None:
    """Each megabyte is paid once per worker, and each module is another one to trust."""
    program = (
        "import sys, workers.settings\n"
        "print(*[name for name in sys.modules if name.split('.')[:2] in (['kernel', 'web'], "
        "['kernel', 'fast'], ['pydantic', 'v1']) or name.endswith(('.router', '.permissions')) "
        "and name.startswith('features.') or name.partition('.')[0] in ('uvicorn', 'zxcvbn')])"
    )
    environment = {**os.environ, "DATABASE_URL": "postgresql://localhost/none"}

    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout.splitlines()[-1].split() == []  # behind what was logged
