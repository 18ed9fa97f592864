# mypy: ignore-errors
"""PGQueuer's worker, and what queues its jobs; runs in an environment of its own."""

import asyncio
import logging
import os
import sys

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

URL = os.environ["DATABASE_URL"].replace("+asyncpg", "")
log = logging.getLogger("bench")


async def factory() -> PgQueuer:
    """The worker."""
    pgq = PgQueuer(AsyncpgDriver(await asyncpg.connect(URL)))

    @pgq.entrypoint("log_line", concurrency_limit=10)
    async def log_line(job) -> None:
        log.warning("job number %s", job.payload.decode())

    log.warning("ready")
    return pgq


async def _main(what: str) -> None:
    if what == "work":  # its command fails with the typer of today
        await (await factory()).run()
        return
    queries = Queries(AsyncpgDriver(await asyncpg.connect(URL)))
    if what == "install":
        await queries.install()
        return
    count = int(os.environ["BENCH_COUNT"])
    payloads = [str(number).encode() for number in range(count)]
    await queries.enqueue(["log_line"] * count, payloads, [0] * count)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
