"""What the kernel and the worker ask of the feature that keeps durable jobs."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, cast

from kernel import discovery
from kernel.queueing.job_queue import Job
from kernel.resources import Resources
from kernel.unit_of_work import UnitOfWork


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
