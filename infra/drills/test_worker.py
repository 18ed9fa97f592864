"""One worker over a hundred thousand jobs, and while what tells it of jobs is cut."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median

import asyncpg
import pytest

from infra.drills.arq_worker import working
from infra.drills.demo_app import TABLES, pass_by, ship
from infra.drills.invariants import until
from infra.local.processes import Child
from kernel import jobs
from kernel.jobs import arq_queue
from kernel.jobs.enqueue import prepare, queue_of
from kernel.resources import Resources
from tests.needs import needs_outbox

pytestmark = [pytest.mark.drill, needs_outbox]

JOBS, BATCH = 100_000, 500
WARM = 20_000  # jobs after which everything that is made once has been made
GROWTH = 3.0  # MiB, of the memory that is the process's own
CUT_SECONDS = 12.0
POOL = 4
LATEST = 1.6  # seconds to the start of a job that nothing tells of: a look a second, and the job


@pytest.fixture
def worker(setting_values: dict[str, str], tmp_path: Path) -> Iterator[Child]:
    values = {**setting_values, "LOG_LEVEL": "ERROR", "DATABASE_POOL_SIZE": str(POOL)}
    log = tmp_path / "worker.log"
    with working(values, log, "infra.drills.demo_app.WorkerSettings") as child:
        yield child


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(TABLES)
    yield connection
    await connection.execute("DROP TABLE drill_order, drill_effect")
    await connection.close()


def own_memory(pid: int) -> float:
    """MiB that the process shares with no file."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024


async def queue_jobs(resources: Resources, count: int) -> None:
    queue = queue_of(resources)
    for _ in range(count // BATCH):
        await arq_queue.put(queue, [prepare(pass_by.name, {}) for _ in range(BATCH)])

    async def done() -> bool:
        return not await queue.execute("ZCARD", "arq:queue")

    await until(done)
    await queue.execute("FLUSHDB")  # the results, or the server's memory would be what grows


async def test_its_memory_stays_as_it_is_over_a_hundred_thousand_jobs(
    resources: Resources, worker: Child
) -> None:
    started = time.monotonic()
    await queue_jobs(resources, WARM)
    warm = own_memory(worker.pid)
    for _ in range((JOBS - WARM) // WARM):
        await queue_jobs(resources, WARM)
    grown = own_memory(worker.pid) - warm

    print(
        f"\n{JOBS} jobs in {time.monotonic() - started:.0f} s: {warm:.1f} MiB after {WARM}, "
        f"{grown:+.1f} MiB later (bound {GROWTH})"
    )
    assert not worker.ended
    assert grown <= GROWTH


async def seconds_of_a_job(
    resources: Resources, rows: "asyncpg.Connection[asyncpg.Record]"
) -> float:
    """From the moment before its commit until its effect is there."""
    begun = time.monotonic()
    async with resources.unit() as db:
        number = await rows.fetchval("INSERT INTO drill_order DEFAULT VALUES RETURNING id")
        await jobs.add(db, ship.name, order_id=number, seconds=0, risk=0)

    async def is_shipped() -> bool:
        found = "SELECT count(*) FROM drill_effect WHERE order_id = $1"
        return bool(await rows.fetchval(found, number))

    await until(is_shipped)
    return time.monotonic() - begun


async def test_a_job_starts_within_a_second_while_what_tells_of_it_is_cut(
    resources: Resources, worker: Child, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    queue, waits, held = queue_of(resources), [], set()

    async def waiting_connections() -> list[bytes]:
        clients = (await queue.execute("CLIENT", "LIST")).splitlines()
        return [line.split()[0].removeprefix(b"id=") for line in clients if b" cmd=blpop " in line]

    async def ready() -> bool:
        return bool(await waiting_connections())

    await until(ready)
    ends = time.monotonic() + CUT_SECONDS
    while time.monotonic() < ends:
        waiting = await waiting_connections()
        held.add(len(waiting))
        for connection in waiting:
            await queue.execute("CLIENT", "KILL", "ID", connection)
        waits.append(await seconds_of_a_job(resources, rows))
    connections = await rows.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'worker' "
        "AND datname = current_database()"
    )

    print(
        f"\n{len(waits)} jobs, told of by a connection that was cut each time: started and done "
        f"after {median(waits) * 1000:.0f} ms, at most {max(waits):.2f} s (bound {LATEST} s); "
        f"{connections} connections to PostgreSQL, {max(held)} that waits"
    )
    assert max(waits) <= LATEST
    assert connections <= POOL
    assert max(held) == 1
