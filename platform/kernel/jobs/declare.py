"""What a task is: a function that runs in the worker, declared once in a feature's tasks.py."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, get_type_hints

from pydantic import BaseModel

from kernel.db.unit_of_work import Resources, UnitOfWork

MAX_BACKOFF = 600.0  # seconds


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
