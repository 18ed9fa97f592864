"""What a worker says of itself, for `arq --check`, and for who asks why a job waits."""

from arq.utils import timestamp_ms

from kernel.jobs.arq_queue import WORKERS, deserialize, serialize
from workers.lifecycle import Held


async def announce(
    held: Held, worker: str, health_key: str, health: str, seconds: float, running: int
) -> None:
    """Say that the worker lives, for so many seconds, and how many jobs it runs.

    Raises RedisUnavailable.
    """
    until = round(seconds * 1000)
    await held.redis.execute("SET", health_key, health, "PX", until)
    offer = {
        "until": timestamp_ms() + until,
        "queues": [lane.name for lane in held.lanes],
        "tasks": list(held.tasks),
        "since": held.since,
        "running": running,
    }
    await held.redis.execute("HSET", WORKERS, worker, serialize(offer))
    known = await held.redis.execute("HGETALL", WORKERS)
    for other, data in zip(known[::2], known[1::2], strict=True):
        if deserialize(data)["until"] < timestamp_ms():  # killed
            await held.redis.execute("HDEL", WORKERS, other)


async def withdraw(held: Held, worker: str, health_key: str) -> None:
    """Say that the worker is gone. Raises RedisUnavailable."""
    await held.redis.execute("HDEL", WORKERS, worker)
    await held.redis.execute("DEL", health_key)
