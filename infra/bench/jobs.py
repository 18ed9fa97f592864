"""`hatch run bench --jobs`: our worker beside plain ARQ, in turn, on the same servers.

Plain ARQ runs with its defaults (10 jobs at once, a poll every half second), and once polling ten
times as often. The worker is stopped while jobs are queued, so that their queueing isn't measured.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import orjson
from arq.connections import RedisSettings, create_pool
from redis.asyncio import Redis

from infra.bench import jobs_rivals
from infra.bench.environment import environment_of, servers
from infra.bench.jobs_load import Bench, Latency, Queue, Run, latency, throughput
from infra.bench.jobs_process import WorkerProcess, arq_command, working
from infra.bench.table import machine
from infra.local.console import say

ARQ, OURS = "infra.bench.jobs_arq.WorkerSettings", "infra.bench.jobs_ours.WorkerSettings"
READY = {ARQ: "Starting worker", OURS: "worker ready"}
WARM_UP = 200
# What is compared: the worker, how jobs are queued, which function, how many jobs.
CASES: dict[str, tuple[str, str, str, int, dict[str, str]]] = {
    "ARQ, a line": (ARQ, "arq", "log_line", 3000, {}),
    "ARQ, poll_delay 0.05, a line": (ARQ, "arq", "log_line", 3000, {"BENCH_POLL_DELAY": "0.05"}),
    "plain, a line": (OURS, "plain", "log_line", 3000, {}),
    "durable, a line": (OURS, "durable", "log_line", 3000, {}),
    "durable, a row": (OURS, "durable", "write", 3000, {}),
    "ARQ, 0.1 s": (ARQ, "arq", "wait", 100, {}),
    "plain, 0.1 s": (OURS, "plain", "wait", 500, {}),
    "durable, 0.1 s": (OURS, "durable", "wait", 500, {}),
}


def main(rounds: int, json: Path | None, smoke: bool = False) -> None:
    """Measure, print the tables, leave JSON where it is asked for."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, servers(Path(folder)) as started:
        values = environment_of(Path(folder), *started)
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(command, env=values, check=True, capture_output=True)
        os.environ.update(values)
        figures = asyncio.run(_measure(values, rounds, smoke))
    say(f"\n{machine()}\n\n{_table(figures)}")
    if json:
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


async def _measure(values: dict[str, str], rounds: int, smoke: bool) -> dict[str, Any]:
    # These read the environment when they are imported.
    from infra.bench import jobs_ours
    from kernel.resources import opened
    from kernel.settings import load_settings

    jobs_ours.register()
    url = values["REDIS_QUEUE_URL"]
    async with opened(load_settings(), "bench") as resources:
        postgres = await asyncpg.connect(values["DATABASE_URL"])
        await postgres.execute("CREATE TABLE bench_effect (number integer)")
        arq = await create_pool(RedisSettings.from_dsn(url))
        bench = Bench(resources, Redis.from_url(url), arq, postgres)
        figures: dict[str, Any] = {"throughput": await _throughputs(bench, values, rounds, smoke)}
        figures["rivals"] = {} if smoke else jobs_rivals.measure(values)
        if not smoke:
            figures["workers"] = await _workers(bench, values)
            figures["backlog"] = await _backlog(bench, values)
        figures["latency"] = await _latencies(bench, values, 10 if smoke else 100)
        await postgres.close()
        await bench.redis.aclose()
        await arq.aclose(close_connection_pool=True)
    return figures


def _worker(values: dict[str, str], settings: str, **more: str) -> Any:
    name = settings.split(".")[2]
    return working(name, arq_command(settings), {**values, **more}, READY[settings])


async def _throughputs(
    bench: Bench, values: dict[str, str], rounds: int, smoke: bool
) -> dict[str, dict[str, float]]:
    runs: dict[str, list[tuple[Run, float]]] = defaultdict(list)
    for _ in range(rounds):
        for case, (settings, kind, function, count, more) in CASES.items():
            with _worker(values, settings, **more) as worker:
                queue = _queue(bench, kind)
                await throughput(bench, [worker], queue, function, 20 if smoke else WARM_UP)
                run = await throughput(bench, [worker], queue, function, 50 if smoke else count)
                runs[case].append((run, worker.memory()))
                say(f"{case}: {run.rate:.0f} a second, {run.cpu:.0f} us")
    return {
        case: {
            "jobs_per_second": round(median(run.rate for run, _ in found)),
            "cpu_us": round(median(run.cpu for run, _ in found)),
            "memory_mib": round(median(memory for _, memory in found), 1),
        }
        for case, found in runs.items()
    }


async def _workers(bench: Bench, values: dict[str, str]) -> dict[str, float]:
    """What two workers do, in multiples of one, where the job waits."""
    rates = []
    for number in (1, 2):
        with ExitStack() as stack:
            workers: list[WorkerProcess] = [
                stack.enter_context(_worker(values, OURS)) for _ in range(number)
            ]
            rates.append((await throughput(bench, workers, bench.durable, "wait", 500)).rate)
    return {"one": round(rates[0], 1), "two": round(rates[1], 1)}


async def _backlog(bench: Bench, values: dict[str, str]) -> dict[str, float]:
    """CPU of the worker, and jobs per second, of 1,000 jobs at the head of long backlogs, behind a
    history of a million."""
    await bench.postgres.execute(
        "INSERT INTO job (job_id, function, arguments, status, finished_at) "
        "SELECT 'old' || n, 'tasks.log_line', '{}', 'complete', now() "
        "FROM generate_series(1, 1000000) n"
    )
    await bench.postgres.execute("ANALYZE job")
    figures: dict[str, Any] = {}
    for waiting in (1_000, 10_000, 100_000):
        with _worker(values, OURS) as worker:
            run = await throughput(bench, [worker], bench.backlog, "log_line", waiting)
        figures[f"{waiting} jobs_per_second"] = round(run.rate)
        figures[f"{waiting} cpu_us"] = round(run.cpu)
        say(f"backlog of {waiting}: {run.rate:.0f} a second, {run.cpu:.0f} us")
    return figures


async def _latencies(
    bench: Bench, values: dict[str, str], count: int
) -> dict[str, dict[str, float]]:
    figures: dict[str, Any] = {}
    for case, settings, kind in (
        ("ARQ", ARQ, "arq"),
        ("plain", OURS, "plain"),
        ("durable", OURS, "durable"),
    ):
        with _worker(values, settings) as worker:
            await asyncio.sleep(1)
            found: Latency = await latency(bench, _queue(bench, kind), count)
            before = worker.cpu()
            await asyncio.sleep(10)
            figures[case] = {
                "p50_ms": round(found.p50, 1),
                "p99_ms": round(found.p99, 1),
                "worst_ms": round(found.worst, 1),
                "idle_percent": round((worker.cpu() - before) * 10, 2),
            }
    return figures


def _queue(bench: Bench, kind: str) -> Queue:
    return {"arq": bench.of_arq, "plain": bench.plain, "durable": bench.durable}[kind]


def _table(figures: dict[str, Any]) -> str:
    lines = ["| jobs | a second | x ARQ | CPU us | x ARQ | MiB |", "|---|--:|--:|--:|--:|--:|"]
    throughputs = figures["throughput"]
    for case, found in {**throughputs, **figures["rivals"]}.items():
        same = throughputs["ARQ, 0.1 s" if case.endswith("0.1 s") else "ARQ, a line"]
        rate, cpu = found["jobs_per_second"], found["cpu_us"]
        lines.append(
            f"| {case} | {rate} | {rate / same['jobs_per_second']:.1f} | {cpu} "
            f"| {cpu / same['cpu_us']:.2f} | {found['memory_mib']} |"
        )
    lines += ["", "| from commit to start | p50 ms | p99 ms | worst ms | idle, % of a core |"]
    lines.append("|---|--:|--:|--:|--:|")
    for case, found in figures["latency"].items():
        lines.append(f"| {case} | {' | '.join(str(value) for value in found.values())} |")
    for name in ("workers", "backlog"):
        if name in figures:
            told = ", ".join(f"{key}: {value}" for key, value in figures[name].items())
            lines += ["", f"{name}: {told}"]
    return "\n".join(lines)
