"""The tasks and schedules that features declare, by name.

A feature's tasks.py offers `functions`, a list of tasks, and `cron_jobs`, a list of schedules. It
is imported by no other: a task is queued by its name, and its arguments are validated then.
"""

from functools import cache

import structlog

from kernel import discovery
from kernel.jobs.declare import Schedule, Task
from kernel.jobs.job import DEFAULT_QUEUE
from kernel.jobs.outbox import outbox

log = structlog.get_logger(__name__)


@cache
def declared() -> dict[str, Task]:
    """Every feature's tasks, by name.

    Raises DiscoveryError for a name that isn't unique.
    """
    found: dict[str, Task] = {}
    for feature, functions in discovery.offers("tasks", "functions", list).items():
        for one in functions:
            if one.name in found or not one.name.startswith(f"{feature}."):
                raise discovery.DiscoveryError(
                    f"features/{feature}/tasks.py: a task is named {feature}.<verb>, and no two "
                    f"tasks share a name; {one.name} is not, or is there twice. Rename it: see "
                    "docs/gates.md#a-tasks-name"
                )
            found[one.name] = one
    if found and outbox() is None:
        log.info("no feature offers an outbox: jobs.add queues after the commit, and may lose jobs")
    return found


def queues() -> list[str]:
    """The names of all queues that a task is put into, the default one among them."""
    return sorted({DEFAULT_QUEUE, *(task.lane for task in declared().values())})


@cache
def schedules() -> list[Schedule]:
    """Every feature's schedules."""
    found = discovery.offers("tasks", "cron_jobs", list).values()
    return [schedule for cron_jobs in found for schedule in cron_jobs]
