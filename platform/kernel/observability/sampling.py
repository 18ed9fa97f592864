"""What nothing counts, looked at once in a while: the event loop, the queues, the migrations."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from kernel.db.unit_of_work import Resources
from kernel.jobs import arq_queue, registry
from kernel.jobs.outbox import outbox
from kernel.observability.metrics import Gauge, Histogram, Together
from kernel.redis.connection import REDIS_ERRORS

log = structlog.get_logger(__name__)

Measure = Callable[[], None]
Sample = Callable[[Resources], Awaitable[None]]

TICK = 1.0  # seconds
SAMPLE_EVERY = 15.0  # seconds, as often as Prometheus asks by default
UNKNOWN = float("nan")
LATEST: Together = "livemostrecent"

last_turn = Gauge(
    "event_loop_last_turn_timestamp_seconds",
    "When the event loop last came round; it does every second.",
    together="livemin",
)
lag = Histogram("event_loop_lag_seconds", "How late the event loop runs what is due.")
depth = Gauge(
    "job_queue_depth",
    "Jobs that are due and not begun: plain ones in Redis, durable ones in the outbox.",
    ["queue", "kind"],
    together=LATEST,
)
oldest = Gauge(
    "job_queue_oldest_age_seconds",
    "How long the first of them has been due; of durable ones, the outbox's lag.",
    ["queue", "kind"],
    together=LATEST,
)


async def tick(measures: Sequence[Measure]) -> None:
    """Measure each second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        last_turn.set(time.time())
        for measure in measures:
            measure()
        due = loop.time() + TICK
        await asyncio.sleep(TICK)
        lag.observe(max(0.0, loop.time() - due))


async def sample(resources: Resources, samples: Sequence[Sample]) -> None:
    """Look every SAMPLE_EVERY seconds, until cancelled."""
    while True:
        for one in samples:
            try:
                await one(resources)
            except Exception as error:  # noqa: BLE001 - no trouble may end it
                log.warning("not sampled", what=one.__name__, error=type(error).__name__)
        await asyncio.sleep(SAMPLE_EVERY)


async def sample_queues(resources: Resources) -> None:
    """How many jobs are due, and for how long the first one has been."""
    queues = registry.queues()
    redis, keeper = resources.redis("queue"), outbox()
    if redis is not None:
        try:
            found = await arq_queue.backlog(redis, queues)
        except REDIS_ERRORS:
            found = None
        _tell("plain", queues, found)
    if keeper is not None:
        try:
            found = await keeper.backlog(resources, queues)
        except Exception:  # noqa: BLE001 - the log says elsewhere that the database is away
            found = None
        _tell("durable", queues, found)


def _tell(kind: str, queues: Sequence[str], found: dict[str, tuple[int, float]] | None) -> None:
    for queue in queues:
        count, age = (UNKNOWN, UNKNOWN) if found is None else found.get(queue, (0, 0.0))
        depth.set(count, queue, kind)
        oldest.set(age, queue, kind)
