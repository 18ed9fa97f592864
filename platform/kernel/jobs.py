"""Jobs for feature authors: declare a task once, queue it by name, now or with the transaction.

A feature's tasks.py offers `functions`, a list of tasks, and `cron_jobs`, a list of schedules.
Nobody imports it: whoever queues a task says its name, and the arguments are validated here.
"""

from functools import cache
from typing import Any
from uuid import uuid4

import structlog
from starlette.requests import HTTPConnection

from kernel import discovery
from kernel.context import context_of, request_id_var
from kernel.errors import ServiceUnavailableException
from kernel.identity import principal_of
from kernel.queueing import job_queue
from kernel.queueing.job_queue import Job
from kernel.queueing.outbox import outbox
from kernel.queueing.task import Function, JobContext, Progress, Schedule, Task, task
from kernel.redis.client import Redis, RedisAway
from kernel.resources import Resources
from kernel.unit_of_work import UnitOfWork
from kernel.versioning import debts

__all__ = [
    "Function",
    "JobContext",
    "Progress",
    "Schedule",
    "Task",
    "add",
    "enqueue",
    "enqueue_after_commit",
    "task",
]

log = structlog.get_logger(__name__)

QUEUE_OFF = "The job queue is turned off."
QUEUE_AWAY = "The job queue is not available; try again shortly."

# Paid at once or when Redis is back, however long that takes.
KERNEL_TASKS = [task(debts.FORGET, max_tries=10_000)(debts.pay)]


@cache
def declared() -> dict[str, Task]:
    """Every feature's tasks and the kernel's own, by name.

    Raises DiscoveryError for a name that isn't unique.
    """
    found = {one.name: one for one in KERNEL_TASKS}
    for feature, functions in discovery.offers("tasks", "functions", list).items():
        for one in functions:
            if one.name in found or not one.name.startswith(f"{feature}."):
                raise discovery.DiscoveryError(
                    f"features/{feature}/tasks.py: a task is named {feature}.<verb>, and no two "
                    f"tasks share a name; {one.name} is not, or is there twice"
                )
            found[one.name] = one
    if found and outbox() is None:
        log.info("no feature offers an outbox: jobs.add queues after the commit, and may lose jobs")
    return found


@cache
def schedules() -> list[Schedule]:
    """Every feature's schedules."""
    found = discovery.offers("tasks", "cron_jobs", list).values()
    return [schedule for cron_jobs in found for schedule in cron_jobs]


def prepare(
    name: str,
    arguments: dict[str, Any],
    queued_by: str | None = None,
    defer_by: float = 0,
    durable: bool = False,
) -> Job:
    """A job, its arguments validated. Raises LookupError for a task that nobody declares, and
    pydantic's ValidationError."""
    declaration = declared().get(name)
    if declaration is None:
        raise LookupError(f"No feature's tasks.py declares {name}; there is {sorted(declared())}")
    valid = declaration.arguments.model_validate(arguments).model_dump(mode="json")
    key = declaration.unique
    unique = None if key is None else f"{name}:{key.format_map(valid)}"
    return Job(
        # ARQ refuses an id that it has, so the key as the id keeps the job unique in the queue.
        id=unique if unique and not durable else uuid4().hex,
        function=name,
        arguments=valid,
        request_id=request_id_var.get(),
        queued_by=queued_by,
        defer_by=defer_by,
        unique=unique,
        durable=durable,
    )


async def caller(connection: HTTPConnection) -> str:
    """Who queues, in the form that is kept with a job: the user's id, else the address."""
    principal = await principal_of(connection)
    if principal is not None:
        return f"user:{principal.user_id}"
    return f"address:{context_of(connection).address}"


async def enqueue(
    origin: HTTPConnection | Resources, name: str, *, _defer_by: float = 0, **arguments: Any
) -> str:
    """Queue a job now and return its id. Given a request, the job belongs to its caller.

    It is lost if Redis is. Raises ServiceUnavailableException when the queue is away or off.
    """
    if isinstance(origin, Resources):
        resources, queued_by = origin, None
    else:
        resources, queued_by = context_of(origin).resources, await caller(origin)
    job = prepare(name, arguments, queued_by, _defer_by)
    await _put(resources, job)
    return job.id


def enqueue_after_commit(
    db: UnitOfWork, name: str, *, _defer_by: float = 0, **arguments: Any
) -> str:
    """Queue a job once the unit has committed; if the queue is away then, the log says so."""
    job = prepare(name, arguments, defer_by=_defer_by)

    async def queue() -> None:
        await _put(db.resources, job)

    db.after_commit(queue)
    return job.id


async def add(
    db: UnitOfWork,
    name: str,
    *,
    _defer_by: float = 0,
    _queued_by: str | None = None,
    **arguments: Any,
) -> str:
    """Queue a job with the unit's transaction: committed, it runs, whatever crashes; rolled back,
    there is none. Where no feature offers an outbox, it is queued after the commit."""
    keeper = outbox()
    if keeper is None:
        return enqueue_after_commit(db, name, _defer_by=_defer_by, **arguments)
    return await keeper.add(db, prepare(name, arguments, _queued_by, _defer_by, durable=True))


def queue_of(resources: Resources) -> Redis:
    """The queue's client. Raises ServiceUnavailableException when the queue is opted out of."""
    redis = resources.redis("queue")
    if redis is None:
        raise ServiceUnavailableException(QUEUE_OFF)
    return redis


async def _put(resources: Resources, job: Job) -> None:
    try:
        await job_queue.put(queue_of(resources), [job])
    except RedisAway as error:
        raise ServiceUnavailableException(QUEUE_AWAY) from error
