"""Queueing jobs: now, after the commit, or with the transaction."""

from contextlib import suppress
from typing import Any

import structlog
from starlette.requests import HTTPConnection

from kernel.context import context_of, principal_of, request_id_var, traceparent_var
from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.errors import ServiceUnavailableException
from kernel.jobs import arq_queue
from kernel.jobs.arguments import as_json
from kernel.jobs.job import Job, new_id
from kernel.jobs.outbox import outbox
from kernel.jobs.registry import declared
from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable

log = structlog.get_logger(__name__)

QUEUE_OFF = "The job queue is turned off."
QUEUE_UNAVAILABLE = "The job queue is not available; try again shortly."


def prepare(
    name: str,
    arguments: dict[str, Any],
    queued_by: str | None = None,
    defer_by: float = 0,
    durable: bool = False,
) -> Job:
    """A job, its arguments validated. Raises LookupError for an undeclared task, and
    pydantic's ValidationError."""
    declaration = declared().get(name)
    if declaration is None:
        raise LookupError(f"No feature's tasks.py declares {name}; there is {sorted(declared())}")
    valid = declaration.arguments.model_validate(arguments)
    key = declaration.unique
    unique = None if key is None else f"{name}:{key.format_map(valid.model_dump(mode='json'))}"
    return Job(
        # ARQ refuses an id that it has, so the key as the id keeps the job unique in the queue.
        id=unique if unique and not durable else new_id(),
        function=name,
        arguments=as_json(valid),
        request_id=request_id_var.get(),
        queued_by=queued_by,
        defer_by=defer_by,
        unique=unique,
        durable=durable,
        queue=declaration.lane,
        traceparent=traceparent_var.get(),
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
    if isinstance(origin, HTTPConnection):
        resources, queued_by = context_of(origin).resources, await caller(origin)
    else:
        resources, queued_by = origin, None
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
    there is none. Where no feature offers an outbox, it is queued after the commit.

    The job is the application's own: no caller sees its state, and no export has it, unless
    `_queued_by=await jobs.caller(request)` says whose it is.
    """
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


async def progress_of(resources: Resources, job_id: str) -> dict[str, Any] | None:
    """What the job reported within the last hour; None too when Redis is away."""
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await arq_queue.progress(queue_of(resources), job_id)
    return None


async def _put(resources: Resources, job: Job) -> None:
    try:
        await arq_queue.put(queue_of(resources), [job])
    except RedisUnavailable as error:
        raise ServiceUnavailableException(QUEUE_UNAVAILABLE) from error
