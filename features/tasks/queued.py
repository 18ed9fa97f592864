"""Jobs that the queue holds: looking at them, stopping them, telling workers, removing them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import BaseModel

from kernel.db import Resources, UnitOfWork
from kernel.errors import ServiceUnavailableException
from kernel.jobs import QUEUE_UNAVAILABLE, JobInfo, arq_queue, queue_of, queues
from kernel.redis import RedisUnavailable

Answer = TypeVar("Answer")


async def queued_job(resources: Resources, job_id: str) -> JobInfo | None:
    """What the queue knows of a job. Raises ServiceUnavailableException (503)."""
    try:
        return await arq_queue.info(queue_of(resources), job_id)
    except RedisUnavailable as error:
        raise ServiceUnavailableException(QUEUE_UNAVAILABLE) from error


async def why_waiting(resources: Resources, queue: str, function: str) -> str | None:
    """Why no worker takes such a job, in a sentence; None when one does, or when Redis is away."""
    alive = await live_workers(resources)
    serving = [worker for worker in (alive or {}).values() if queue in worker["queues"]]
    if alive is None or any(function in worker["tasks"] for worker in serving):
        return None
    if serving:
        return f"No running worker knows the task {function}."
    return f"No running worker takes jobs of the queue {queue}."


async def live_workers(resources: Resources) -> dict[str, dict[str, Any]] | None:
    """What each running worker says of itself, by its name; None when Redis is away."""
    return await _unless_away(resources, arq_queue.live_workers)


async def plain_backlog(
    resources: Resources, names: Sequence[str]
) -> dict[str, tuple[int, float]] | None:
    """How many jobs of each queue, durable ones left out, are due and not begun, and for how many
    seconds the first one has been; None when Redis is away."""
    return await _unless_away(resources, arq_queue.backlog, names)


def abort_after_commit(db: UnitOfWork, job_id: str, queue: str) -> None:
    """Stop the job in its worker. If Redis is away, its end isn't accepted all the same."""
    db.after_commit(lambda: _unless_away(db.resources, arq_queue.abort, job_id, queue))


def wake_after_commit(db: UnitOfWork, queue: str) -> None:
    """Tell a worker that the unit's durable jobs are due. If Redis is away, it looks by itself."""

    async def wake() -> None:
        redis = db.resources.redis("queue")
        if redis is not None:
            arq_queue.wake(redis, queue)

    db.after_commit(wake)


def erase_after_commit(db: UnitOfWork, texts: Sequence[str], job_ids: Sequence[str]) -> None:
    """Remove from the queue what holds one of these texts, waiting or ended, and what it keeps of
    these jobs. If Redis is away, results are there until they expire."""
    db.after_commit(lambda: _unless_away(db.resources, arq_queue.erase, queues(), texts, job_ids))


def without_secrets(model: type[BaseModel], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they may be shown; only their names once they don't fit the task."""
    try:
        return model.model_validate(arguments).model_dump(mode="json")
    except ValueError:
        return dict.fromkeys(arguments)


async def _unless_away(
    resources: Resources, ask: Callable[..., Awaitable[Answer]], *given: Any
) -> Answer | None:
    with suppress(RedisUnavailable, ServiceUnavailableException):
        return await ask(queue_of(resources), *given)
    return None
