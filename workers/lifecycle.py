"""What a worker holds from its start to its end."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog
from arq.utils import timestamp_ms

from kernel import logs
from kernel.cache.deferred import flush
from kernel.config.groups import AppSettings, WorkerSettings
from kernel.config.loader import Settings
from kernel.config.observability import ObservabilitySettings
from kernel.jobs import Attempt, Task, registry
from kernel.redis.client import Redis
from kernel.resources import Resources, opened
from workers.arq_jobs import ArqJobs
from workers.attempts import Run, run_attempt
from workers.instruments import observing_worker
from workers.lanes import Lane, lanes_of

log = structlog.get_logger(__name__)

WAKER_TIMEOUT = 8.0  # seconds, of a client whose answers take up to intake.BLOCK


@dataclass
class Held:
    """The worker's connections and what it works on; `lease` and `poll` are seconds."""

    resources: Resources
    redis: Redis
    waker: Redis  # waits for notifications
    queue: ArqJobs
    tasks: dict[str, Task]
    lanes: Sequence[Lane]
    lease: float
    poll: float
    # Called with each attempt that has ended, and the seconds that it took.
    observers: list[Callable[[Attempt, float], None]] = field(default_factory=list)
    run: Run = run_attempt
    since: int = field(default_factory=timestamp_ms)


def known_tasks() -> dict[str, Task]:
    """Every task, by name: the features', and the kernel's own.

    Raises DiscoveryError for a name that isn't unique.
    """
    return {**registry.declared(), flush.name: flush}


async def start(ctx: dict[str, Any]) -> None:
    """ARQ's on_startup: ctx["held"] from then on."""
    settings: Settings = ctx["settings"]
    # ARQ's command has configured logging for itself by now.
    logs.configure(settings.group(AppSettings))
    worker, tasks = settings.group(WorkerSettings), known_tasks()
    stack = ctx["stack"] = AsyncExitStack()
    resources = await stack.enter_async_context(opened(settings, "worker"))
    redis = resources.redis("queue")
    assert redis is not None, "options() refuses a queue that is turned off"
    waker = Redis(ctx["queue_url"], WAKER_TIMEOUT, "notifications")
    stack.push_async_callback(waker.close)
    await waker.open()
    lanes = lanes_of(tasks.values(), worker.worker_queues)
    held = ctx["held"] = Held(
        resources=resources,
        redis=redis,
        waker=waker,
        queue=ArqJobs(redis, worker.worker_lease),
        tasks=tasks,
        lanes=lanes,
        lease=worker.worker_lease,
        poll=ctx["poll_delay"],
    )
    if settings.group(ObservabilitySettings).traces:
        from workers.tracing import traced

        held.run = traced(run_attempt)
    await stack.enter_async_context(observing_worker(resources, held.observers, set(tasks)))
    log.info("worker ready", queues=[lane.name for lane in lanes], tasks=sorted(tasks))


async def stop(ctx: dict[str, Any]) -> None:
    """ARQ's on_shutdown; harmless when it is called twice."""
    stack: AsyncExitStack | None = ctx.pop("stack", None)
    if stack is not None:
        await stack.aclose()
        log.info("worker stopped")
