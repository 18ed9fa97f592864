"""What the kernel and the worker ask of the feature that keeps durable jobs."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from kernel import discovery
from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.jobs.job import Attempt, Job


class Outbox(Protocol):
    """What the feature that keeps durable jobs offers in providers.py as `outbox`.

    All raise DatabaseUnavailable. The worker calls all but `add`.
    """

    async def add(self, db: UnitOfWork, job: Job) -> str:
        """Keep the job in the unit's transaction; return its id, or its waiting duplicate's."""
        ...

    async def claim(
        self, resources: Resources, queue: str, known: Sequence[str], limit: int, lease: float
    ) -> list[Attempt]:
        """Begin an attempt of up to `limit` due jobs whose task is known. They are due again
        after `lease` seconds, unless renewed."""
        ...

    async def due(
        self, resources: Resources, queues: Sequence[str], known: Sequence[str]
    ) -> dict[str, float]:
        """Seconds until the first job of each queue is due; queues without any are left out."""
        ...

    async def backlog(
        self, resources: Resources, queues: Sequence[str]
    ) -> dict[str, tuple[int, float]]:
        """How many jobs of each queue are due and not begun, and for how many seconds the first
        one has been; queues without any are left out."""
        ...

    async def renew(self, resources: Resources, rows: Sequence[int], lease: float) -> None:
        """Let running jobs keep their claim for `lease` seconds from now."""

    async def complete(self, db: UnitOfWork, attempt: Attempt) -> bool:
        """Record the end in the attempt's own transaction; False when it had ended before."""
        ...

    async def end(self, resources: Resources, attempts: Sequence[Attempt]) -> set[str]:
        """Note how attempts ended that have written nothing; return the ids of those that
        hadn't ended before."""
        ...

    async def record(self, resources: Resources, attempts: Sequence[Attempt]) -> None:
        """Keep the ends of jobs that only the queue knew."""

    async def assign(self, resources: Resources, queues: Mapping[str, str]) -> None:
        """Move waiting jobs to the queue that their task is declared for now."""


def outbox() -> Outbox | None:
    """What keeps durable jobs; None when no feature offers it."""
    return cast(Outbox | None, discovery.provider("outbox"))
