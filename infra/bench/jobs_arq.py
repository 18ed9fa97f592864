"""Plain ARQ beside ours: the same functions, as ARQ's documentation has them.

`arq infra.bench.jobs_arq.WorkerSettings`.
"""

import asyncio
import logging
import os
import time
from typing import Any, ClassVar

from arq.connections import RedisSettings

log = logging.getLogger("bench")


async def log_line(ctx: dict[str, Any], number: int) -> None:
    """Log a line."""
    log.info("job number %d", number)


async def wait(ctx: dict[str, Any], number: int) -> None:
    """Wait a tenth of a second."""
    await asyncio.sleep(0.1)


async def tell(ctx: dict[str, Any], number: int) -> None:
    """Note when it has begun."""
    await ctx["redis"].rpush("bench:started", f"{number} {time.time()}")


class WorkerSettings:
    """ARQ's defaults, but for the poll delay that the bench asks for."""

    functions: ClassVar[list[Any]] = [log_line, wait, tell]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_QUEUE_URL"])
    max_jobs = 10
    poll_delay = float(os.environ.get("BENCH_POLL_DELAY", "0.5"))
