"""What a task is: a function that runs in the worker, declared once in a feature's tasks.py."""

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, get_type_hints

from pydantic import BaseModel

from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.jobs.job import DEFAULT_QUEUE
from kernel.schemas.schemas import is_secret

PLACEHOLDER = re.compile(r"{(\w+)}")
MAX_BACKOFF = 600.0  # seconds
PARAMETERS = "a task takes ctx and a pydantic model, one without fields if it needs nothing"


class Progress(Protocol):
    """`await ctx["progress"](3, 5, "three of five")`; never raises."""

    async def __call__(self, done: float, total: float, note: str = "") -> None: ...


class JobContext(TypedDict):
    """What a task is given: the job's id, the attempt's number, and what belongs to it.

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
    queue: str = DEFAULT_QUEUE
    concurrency: int | None = None
    deadline: float | None = None

    @property
    def lane(self) -> str:
        """The queue that its jobs stand in: one of their own where their number is limited, so
        that those which can't run yet hide no other."""
        return self.queue if self.concurrency is None else f"{self.queue}:{self.name}"

    def delay(self, attempt: int) -> float:
        """Seconds to wait after that attempt failed: doubled each time, with jitter."""
        full = min(self.backoff * 2.0 ** min(attempt - 1, 20), MAX_BACKOFF)
        return full * random.uniform(0.5, 1)  # noqa: S311 - spreads retries; nothing secret


@dataclass(frozen=True)
class Schedule:
    """When a task runs, in the words of cron (UTC); None is every one of them.

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
    queue: str = DEFAULT_QUEUE,
    concurrency: int | None = None,
    deadline: float | None = None,
) -> Callable[[Function], Task]:
    """Declare `async def f(ctx: JobContext, arguments: Model)` as the task `<feature>.<verb>`.

    An attempt that raises, or takes longer than `timeout` seconds, is repeated after about
    `backoff` seconds, doubled each time, up to `max_tries` attempts. `unique` is a template over
    the arguments, "{post_id}": while a job of that key waits, queueing it again adds nothing.
    The result can be read for `keep_result` seconds.

    `queue` names who runs it (see WORKER_QUEUES). At most `concurrency` of its jobs run at once,
    over all workers. A job that hasn't begun `deadline` seconds after it was due is dropped.
    """

    def declare(function: Function) -> Task:
        code, hints = function.__code__, get_type_hints(function)
        model = hints.get(code.co_varnames[1]) if code.co_argcount == 2 else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"{name}: {PARAMETERS}")
        for field in PLACEHOLDER.findall(unique or ""):
            if is_secret(model.model_fields[field].annotation):
                raise TypeError(f"{name}: {field} is a secret, so no key may hold it")
        times = (max_tries, timeout, unique, backoff, keep_result)
        return Task(name, function, model, *times, queue, concurrency, deadline)

    return declare
