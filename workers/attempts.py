"""One attempt of a job: its own unit of work, its time-out, its end, and what follows a failure."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import arq
import orjson
import structlog
from pydantic import ValidationError

from kernel.context import request_id_var
from kernel.db.unit_of_work import Resources
from kernel.jobs import arq_queue
from kernel.jobs.declare import JobContext, Task
from kernel.jobs.job import Attempt, JobRefused, Retry, describe
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable
from kernel.redis.usage import Usage, usage_var

log = structlog.get_logger(__name__)


Run = Callable[[Task | None, Resources, Attempt], Awaitable[bool]]


class JobGivenUp(JobRefused):
    """The job was begun as often as it may be, and each time its worker died."""


class JobExpired(JobRefused):
    """The job waited longer than its task's deadline allows."""


class ResultRefused(JobRefused):
    """The function returned what can't be kept."""


class JobOver(Exception):
    """The job has ended elsewhere, so this attempt's work must not be committed."""


async def run_attempt(task: Task | None, resources: Resources, attempt: Attempt) -> bool:
    """Run the job once, and leave in `attempt` how it ended; say whether that is recorded yet.

    Raises CancelledError when it is stopped.
    """
    request_id_var.set(attempt.request_id or attempt.id)
    usage, started = Usage(), time.perf_counter()
    usage_var.set(usage)

    def lines() -> Any:
        return log.bind(
            job=attempt.id,
            task=attempt.function,
            attempt=attempt.tries,
            ms=round((time.perf_counter() - started) * 1000, 1),
            statements=usage.statements,
            redis=usage.redis,
        )

    try:
        recorded = await _work(_checked(task, attempt), resources, attempt)
    except JobOver:
        lines().warning("job ended elsewhere meanwhile; this attempt is undone")
        return True
    except Exception as error:  # noqa: BLE001 - whatever it raises is how it ended
        _fail(task, attempt, error, lines())
        return False
    lines().info("job done")
    return recorded


def _checked(task: Task | None, attempt: Attempt) -> Task:
    if task is None:
        raise JobRefused(f"No worker knows the task {attempt.function}.")
    if attempt.tries > task.max_tries:
        raise JobGivenUp(f"{task.max_tries} attempts ended with their worker")
    if task.deadline is not None and attempt.tries == 1 and attempt.waited > task.deadline:
        raise JobExpired(
            f"It waited {attempt.waited:.1f} seconds; its task's deadline is {task.deadline:g}."
        )
    return task


async def _work(task: Task, resources: Resources, attempt: Attempt) -> bool:
    try:
        arguments = task.arguments.model_validate(attempt.arguments)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:5])
        raise JobRefused(f"Its arguments don't fit the task (any more): {wrong}") from None

    async def report(done: float, total: float, note: str = "") -> None:
        redis = resources.redis("queue")
        assert redis is not None, "a worker has a queue"
        with suppress(RedisUnavailable):
            progress = {"done": done, "total": total, "note": note}
            await arq_queue.report(redis, attempt.id, progress)

    async with asyncio.timeout(task.timeout), resources.unit() as db:
        context: JobContext = {
            "job_id": attempt.id,
            "job_try": attempt.tries,
            "db": db,
            "resources": resources,
            "progress": report,
        }
        result = await task.function(context, arguments)
        attempt.result = _keepable(result)  # what can't be kept is a failure, before the commit
        attempt.status, attempt.error = "complete", None
        keeper = outbox()
        if not attempt.durable or keeper is None or db.is_unused:
            return False
        # The end is recorded in the transaction of the work: both are there, or neither.
        if not await keeper.complete(db, attempt):
            raise JobOver
    return True


def _keepable(result: Any) -> orjson.Fragment | None:
    if result is None:
        return None
    try:
        data = arq_queue.serialize(result)
    except TypeError as error:
        raise ResultRefused(f"The result can't be kept: {error}.") from None
    # PostgreSQL keeps no NUL. Escaped backslashes aside, so that none of them is half of a match.
    if rb"\u0000" in data and rb"\u0000" in data.replace(rb"\\", b""):
        raise ResultRefused("The result can't be kept: it holds a NUL character.")
    return orjson.Fragment(data)


def _fail(task: Task | None, attempt: Attempt, error: Exception, lines: Any) -> None:
    attempt.error, attempt.result = describe(error), None
    if task is None or isinstance(error, JobRefused) or attempt.tries >= task.max_tries:
        attempt.status = "failed"
        if isinstance(error, JobRefused):
            lines.error("job refused", error=attempt.error)
        else:
            lines.error("job failed", exc_info=error)
        return
    attempt.status, attempt.delay = "queued", task.delay(attempt.tries)
    if isinstance(error, Retry):
        attempt.delay = error.defer
    elif isinstance(error, arq.Retry) and error.defer_score is not None:
        attempt.delay = error.defer_score / 1000
    lines.warning(
        "job failed, and runs again",
        delay=round(attempt.delay, 2),
        error=attempt.error,
    )
