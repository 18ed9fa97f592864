"""What ARQ is told: every feature's tasks and schedules, and the settings."""

import socket
from datetime import UTC
from typing import Any

from arq.constants import default_queue_name

from kernel import jobs
from kernel.job_queue import arq_settings, deserialize, serialize
from kernel.setting_groups import RedisSettings, WorkerSettings
from kernel.settings import Settings, SettingsError
from workers import lifecycle
from workers.attempts import arq_cron, arq_function

POLL_DELAY = 0.3  # seconds
HEARTBEAT = 10  # seconds


def options(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of a Worker. Raises SettingsError when the queue is turned off."""
    url = settings.group(RedisSettings).address("queue")
    if url is None:
        raise SettingsError("REDIS_QUEUE_URL is off, so there is nothing for a worker to do.")
    worker = settings.group(WorkerSettings)
    return {
        "functions": [arq_function(task) for task in jobs.declared().values()],
        "cron_jobs": [arq_cron(schedule) for schedule in jobs.schedules()],
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
