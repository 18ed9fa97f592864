"""What the kernel and the worker ask of the feature that keeps durable jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, cast

from kernel import discovery
from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.jobs.arq_queue import Job


@dataclass(slots=True)
class Attempt:
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
    """What the feature that keeps durable jobs offers in providers.py as `outbox`."""

    async def add(self, db: UnitOfWork, job: Job) -> str:
        """Keep the job in the unit's transaction; return its id, or its waiting duplicate's."""

    async def dispatch(self, resources: Resources, known: Iterable[str]) -> bool:
        """Queue what waits of the tasks that are known, and what the queue may have lost; say
        whether more may be due."""

    async def begin(self, resources: Resources, job_id: str) -> int | None:
        """Note that an attempt begins and return its number; None when the job has ended."""

    async def complete(self, db: UnitOfWork, job_id: str, result: Any) -> bool:
        """Record the end in the attempt's own transaction; False when it had ended before."""

    async def record(self, resources: Resources, attempt: Attempt) -> None:
        """Note how an attempt ended, where `complete` didn't."""

    async def release(self, resources: Resources, attempt: Attempt) -> None:
        """Forget an attempt that was stopped with its worker."""


def outbox() -> Outbox | None:
    """What keeps durable jobs; None when no feature offers it."""
    return cast(Outbox | None, discovery.provider("outbox"))
