# mypy: ignore-errors
"""taskiq's broker and task, and what queues its jobs; runs in an environment of its own."""

import asyncio
import logging
import os
import sys

from taskiq_redis import ListQueueBroker

broker = ListQueueBroker(os.environ["REDIS_QUEUE_URL"])


@broker.task(task_name="log_line")
async def log_line(number: int) -> None:
    """Log a line."""
    logging.getLogger("bench").warning("job number %d", number)


async def _queue() -> None:
    await broker.startup()
    for number in range(int(os.environ["BENCH_COUNT"])):
        await log_line.kiq(number)
    await broker.shutdown()


if __name__ == "__main__" and sys.argv[1] == "queue":
    asyncio.run(_queue())
