"""What ARQ is told: every feature's tasks and schedules, and the settings."""

import socket
from datetime import UTC
from typing import Any

from arq.constants import default_queue_name
from arq.cron import CronJob, cron
from arq.worker import Function, func

from kernel import events
from kernel.config.groups import RedisSettings, WorkerSettings
from kernel.config.loader import Settings, SettingsError
from kernel.jobs import registry
from kernel.jobs.arq_queue import arq_settings, deserialize, serialize
from kernel.jobs.declare import Schedule, Task
from workers import lifecycle
from workers.lanes import lanes_of

POLL_DELAY = 1.0  # seconds between two looks for what no notification told
HEARTBEAT = 10  # seconds


def options(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of a Worker. Raises SettingsError when the queue is turned off."""
    url = settings.group(RedisSettings).address("queue")
    if url is None:
        raise SettingsError("REDIS_QUEUE_URL is off, so there is nothing for a worker to do.")
    events.registry()  # jobs emit them later; a file that fails must stop the start
    worker, tasks = settings.group(WorkerSettings), lifecycle.known_tasks().values()
    lanes_of(tasks, worker.worker_queues)
    return {
        "functions": [arq_function(task) for task in tasks],
        "cron_jobs": [arq_cron(schedule) for schedule in registry.schedules()],
        "redis_settings": arq_settings(url),
        "ctx": {"settings": settings, "queue_url": url, "poll_delay": POLL_DELAY},
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
    """A task as ARQ lists it; it is run by workers.attempts."""
    return func(task.function, name=task.name)  # type: ignore[arg-type]


def arq_cron(schedule: Schedule) -> CronJob:
    """A schedule as ARQ registers it, for the time of the next tick."""
    task = schedule.task
    return cron(
        task.function,  # type: ignore[arg-type]
        name=f"cron:{task.name}",
        month=schedule.month,
        day=schedule.day,
        weekday=schedule.weekday,
        hour=schedule.hour,
        minute=schedule.minute,
        second=schedule.second,
    )
