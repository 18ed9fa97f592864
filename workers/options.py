"""The options that ARQ gets: every feature's tasks and schedules, and the settings."""

import socket
from datetime import UTC
from typing import Any

from arq.constants import default_queue_name
from arq.cron import CronJob, cron
from arq.typing import WorkerCoroutine
from arq.worker import Function, func

from kernel import events
from kernel.config.groups import RedisSettings, WorkerSettings
from kernel.config.loader import Settings, SettingsError
from kernel.jobs import Schedule, Task, registry
from kernel.jobs.arq_queue import arq_settings, deserialize, serialize
from workers import lifecycle
from workers.attempts import run_attempt

# ARQ judges by what Redis remembers, and its judgement leaves no trace in the history. Ours are
# the limits that count; ARQ's only have to be larger.
NO_LIMIT = 1_000_000
GRACE = 10  # seconds
# A tick that is over must not be queued again by a worker that comes late, so ARQ keeps its end.
KEEP_TICK = 3600  # seconds
POLL_DELAY = 0.3  # seconds
HEARTBEAT = 10  # seconds


def options(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of a Worker. Raises SettingsError when the queue is turned off."""
    url = settings.group(RedisSettings).address("queue")
    if url is None:
        raise SettingsError("REDIS_QUEUE_URL is off, so there is nothing for a worker to do.")
    events.registry()  # jobs emit them later; a file that fails must stop the start
    worker = settings.group(WorkerSettings)
    return {
        "functions": [arq_function(task) for task in lifecycle.known_tasks().values()],
        "cron_jobs": [arq_cron(schedule) for schedule in registry.schedules()],
        "redis_settings": arq_settings(url),
        "ctx": {"settings": settings, "queue_url": url, "lease": worker.worker_lease},
        "on_startup": lifecycle.start,
        "on_shutdown": lifecycle.stop,
        "job_completion_wait": worker.worker_drain_timeout,
        "max_jobs": worker.worker_max_jobs,
        "poll_delay": POLL_DELAY,
        "health_check_interval": HEARTBEAT,
        # One per machine or container: a live worker must not vouch for a dead one.
        "health_check_key": f"{default_queue_name}:health-check:{socket.gethostname()}",
        "allow_abort_jobs": True,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "timezone": UTC,
    }


def arq_function(task: Task) -> Function:
    """A task as ARQ registers it."""
    return func(
        _coroutine(task),
        name=task.name,
        timeout=task.timeout + GRACE,
        keep_result=task.keep_result,
        max_tries=NO_LIMIT,
    )


def arq_cron(schedule: Schedule) -> CronJob:
    """A schedule as ARQ registers it."""
    task = schedule.task
    return cron(
        _coroutine(task),
        name=f"cron:{task.name}",
        month=schedule.month,
        day=schedule.day,
        weekday=schedule.weekday,
        hour=schedule.hour,
        minute=schedule.minute,
        second=schedule.second,
        timeout=task.timeout + GRACE,
        keep_result=KEEP_TICK,
        max_tries=NO_LIMIT,
    )


def _coroutine(task: Task) -> WorkerCoroutine:
    async def attempt(ctx: dict[str, Any], **named: Any) -> Any:
        return await run_attempt(task, ctx, **named)

    return attempt
