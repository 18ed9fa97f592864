"""Jobs for a worker to run: queued while it is stopped, or one by one while it idles."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median, quantiles

import asyncpg
from arq.connections import ArqRedis
from redis.asyncio import Redis

from infra.bench.jobs_process import WorkerProcess
from kernel.resources import Resources

Queue = Callable[[str, int, int], Awaitable[None]]  # function, first number, how many
SETTLE = 60.0  # seconds


@dataclass(frozen=True)
class Run:
    """Jobs per second, and microseconds of the workers' CPU a job."""

    rate: float
    cpu: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the moment that a job is committed, or queued, to its start."""

    p50: float
    p99: float
    worst: float


@dataclass
class Bench:
    """The servers, as the process that queues reaches them."""

    resources: Resources
    redis: "Redis"
    arq: ArqRedis
    postgres: "asyncpg.Connection[asyncpg.Record]"

    async def plain(self, function: str, first: int, count: int) -> None:
        """Queue plain jobs of ours."""
        from kernel.jobs import arq_queue
        from kernel.jobs.enqueue import prepare

        queue = self.resources.redis("queue")
        assert queue is not None
        for start in range(first, first + count, 500):
            numbers = range(start, min(start + 500, first + count))
            made = [prepare(f"tasks.{function}", {"number": n}) for n in numbers]
            await arq_queue.put(queue, made)

    async def durable(self, function: str, first: int, count: int) -> None:
        """Add durable jobs of ours."""
        from kernel import jobs

        for start in range(first, first + count, 1000):
            async with self.resources.unit() as db:
                for number in range(start, min(start + 1000, first + count)):
                    await jobs.add(db, f"tasks.{function}", number=number)

    async def backlog(self, function: str, first: int, count: int) -> None:
        """Rows of durable jobs, without the process that adds them one by one."""
        await self.postgres.execute(
            "INSERT INTO job (job_id, function, arguments, status, hand_over_at) SELECT "
            "gen_random_uuid(), $1, json_build_object('number', n), 'waiting', now() "
            "FROM generate_series($2::integer, $3::integer) n",
            f"tasks.{function}",
            first,
            first + count - 1,
        )

    async def of_arq(self, function: str, first: int, count: int) -> None:
        """Queue jobs as ARQ's client does."""
        for number in range(first, first + count):
            await self.arq.enqueue_job(function, number)

    async def open_jobs(self) -> int:
        """How many have no end yet."""
        queued = int(await self.redis.zcard("arq:queue"))
        rows = await self.postgres.fetchval(
            "SELECT count(*) FROM job WHERE hand_over_at IS NOT NULL"
        )
        return queued + int(rows)


async def throughput(
    bench: Bench, workers: list[WorkerProcess], queue: Queue, function: str, count: int
) -> Run:
    """Queue `count` jobs while the workers are stopped; let them go, and wait for the last."""
    for worker in workers:
        worker.send(signal.SIGSTOP)
    await queue(function, 0, count)
    before, begun = sum(worker.cpu() for worker in workers), time.perf_counter()
    for worker in workers:
        worker.send(signal.SIGCONT)
    deadline = begun + SETTLE + count / 50
    while await bench.open_jobs():
        if time.perf_counter() > deadline:
            raise SystemExit(f"{await bench.open_jobs()} of {count} jobs never ended")
        await asyncio.sleep(0.02)
    took = time.perf_counter() - begun
    spent = sum(worker.cpu() for worker in workers) - before
    return Run(count / took, spent / count * 1e6)


async def latency(bench: Bench, queue: Queue, count: int) -> Latency:
    """Queue one job after the other, each when the last one has begun and some time is over."""
    waits: list[float] = []
    await bench.redis.delete("bench:started")
    for number in range(count):
        # Not in step with anything that polls.
        await asyncio.sleep(0.05 + (number * 0.618 % 1) * 0.2)
        await queue("tell", number, 1)
        queued = time.time()
        _, line = await bench.redis.blpop(["bench:started"], timeout=10)  # type: ignore[misc]
        waits.append((float(line.split()[1]) - queued) * 1000)
    return Latency(median(waits), quantiles(waits, n=100)[98], max(waits))
