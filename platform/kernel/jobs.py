"""Jobs for feature authors: declare a task once, queue it by name, now or with the transaction.

A feature's tasks.py offers `functions`, a list of tasks, and `cron_jobs`, a list of schedules.
Nobody imports it: whoever queues a task says its name, and the arguments are validated here.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, TypedDict, cast, get_type_hints
from uuid import uuid4

import structlog
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from kernel import debts, discovery, job_queue
from kernel.context import context_of, request_id_var
from kernel.database import UnitOfWork
from kernel.errors import ServiceUnavailableException
from kernel.identity import principal_of
from kernel.job_queue import Job
from kernel.redis_client import Redis, RedisAway
from kernel.resources import Resources

log = structlog.get_logger(__name__)

MAX_BACKOFF = 600.0  # seconds
QUEUE_AWAY = "The job queue is not available; try again shortly."


class Progress(Protocol):
    """`await ctx["progress"](3, 5, "three of five")`; never raises."""

    async def __call__(self, done: float, total: float, note: str = "") -> None: ...


class JobContext(TypedDict):
    """What a task is given: ARQ's job_id and job_try, and what belongs to this attempt.

    `db` is the attempt's own unit of work; it commits when the attempt ends well.
    """

    job_id: str
    job_try: int
    db: UnitOfWork
    resources: Resources
    progress: Progress


Function = Callable[[JobContext, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Task:
    """A function that runs in the worker, declared by `task`."""

    name: str
    function: Function
    arguments: type[BaseModel]
    max_tries: int
    timeout: float
    unique: str | None
    backoff: float
    keep_result: float

    def delay(self, attempt: int) -> float:
        """Seconds to wait after that attempt failed: doubled each time, with jitter."""
        full = min(self.backoff * 2.0 ** min(attempt - 1, 20), MAX_BACKOFF)
        return full * random.uniform(0.5, 1)  # noqa: S311 - spreads retries; nothing secret


@dataclass(frozen=True)
class Schedule:
    """When a task runs, in ARQ's words for cron (UTC); None is every one of them.

    One run per tick, however many workers there are. Its arguments are the model's defaults.
    """

    task: Task
    month: int | set[int] | None = None
    day: int | set[int] | None = None
    weekday: int | set[int] | None = None
    hour: int | set[int] | None = None
    minute: int | set[int] | None = None
    second: int | set[int] | None = 0


def task(
    name: str,
    *,
    max_tries: int = 5,
    timeout: float = 300,
    unique: str | None = None,
    backoff: float = 1,
    keep_result: float = 3600,
) -> Callable[[Function], Task]:
    """Declare `async def f(ctx: JobContext, arguments: Model)` as the task `<feature>.<verb>`.

    An attempt that raises, or takes longer than `timeout` seconds, is repeated after about
    `backoff` seconds, doubled each time, up to `max_tries` attempts. `unique` is a template over
    the arguments, "{post_id}": while a job of that key waits, queueing it again adds nothing.
    The result can be read for `keep_result` seconds.
    """

    def declare(function: Function) -> Task:
        parameter = function.__code__.co_varnames[1]
        model = get_type_hints(function)[parameter]
        return Task(name, function, model, max_tries, timeout, unique, backoff, keep_result)

    return declare


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
    unique = declaration.unique and f"{name}:{declaration.unique.format_map(valid)}"
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


@dataclass(slots=True)
class Run:
    """One attempt of a job, as it is noted when it ends: `queued` again, or for good."""

    id: str
    function: str
    arguments: dict[str, Any]
    request_id: str | None
    queued_by: str | None
    durable: bool
    enqueue_time: datetime
    start_time: datetime
    tries: int
    status: Literal["queued", "complete", "failed"] = "queued"
    result: Any = None
    error: str | None = None


class Outbox(Protocol):
    """What the feature that keeps durable jobs offers in its outbox.py, as functions."""

    async def add(self, db: UnitOfWork, job: Job) -> str:
        """Keep the job in the unit's transaction; return its id, or that of its waiting twin."""

    async def hand_over(self, resources: Resources) -> bool:
        """Queue what waits, and what the queue may have lost; say whether more may be due."""

    async def begin(self, resources: Resources, job_id: str) -> int | None:
        """Note that an attempt begins and return its number; None when the job has ended."""

    async def complete(self, db: UnitOfWork, job_id: str, result: Any) -> bool:
        """Record the end in the attempt's own transaction; False when it had ended before."""

    async def record(self, resources: Resources, run: Run) -> None:
        """Note how an attempt ended, where `complete` didn't."""

    async def hand_back(self, resources: Resources, run: Run) -> None:
        """Forget an attempt that was stopped with its worker."""


@cache
def outbox() -> Outbox | None:
    """The feature's file that keeps durable jobs; None when no feature has one."""
    if discovery.offered_once("outbox", "add") is None:
        return None
    (module,) = discovery.load("outbox").values()
    return cast(Outbox, module)


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
        raise ServiceUnavailableException("The job queue is turned off.")
    return redis


async def _put(resources: Resources, job: Job) -> None:
    try:
        await job_queue.put(queue_of(resources), [job])
    except RedisAway as error:
        raise ServiceUnavailableException(QUEUE_AWAY) from error
