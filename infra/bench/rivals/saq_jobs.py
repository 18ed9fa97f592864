# mypy: ignore-errors
"""SAQ's worker, and what queues its jobs; runs in an environment of its own."""

import asyncio
import logging
import os
import sys

from saq import Queue

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("bench")
queue = Queue.from_url(os.environ["REDIS_QUEUE_URL"])


async def log_line(ctx, *, number):
    """Log a line."""
    log.info("job number %d", number)


settings = {"queue": queue, "functions": [log_line], "concurrency": 10}


async def _queue() -> None:
    await queue.connect()
    for number in range(int(os.environ["BENCH_COUNT"])):
        await queue.enqueue("log_line", number=number)
    await queue.disconnect()


if __name__ == "__main__" and sys.argv[1] == "queue":
    asyncio.run(_queue())
