"""The ends of attempts, written together: those that come while a batch is written are the next.

Nothing waits for them: a place is free when the function has returned. Until its end is recorded
the job keeps its lease, so that it ends once, or runs again.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context

import structlog

from kernel.jobs.job import ENDED, Attempt, describe
from kernel.jobs.outbox import outbox
from kernel.resources import Resources
from workers.arq_jobs import ArqJobs

log = structlog.get_logger(__name__)

BATCH = 200


class Ends:
    """What has ended and isn't recorded yet. `on_recorded` is told of each attempt, also of one
    that couldn't be recorded: its lease brings the job back."""

    def __init__(
        self,
        resources: Resources,
        queue: ArqJobs,
        kept: dict[str, float],
        on_recorded: Callable[[Attempt], None],
    ) -> None:
        self._resources, self._queue, self._kept = resources, queue, kept
        self._on_recorded = on_recorded
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Attempt] = []
        self._writing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, attempt: Attempt) -> None:
        """Record it soon."""
        self._waiting.append(attempt)
        if self._writing is None or self._writing.done():
            # In no job's context, so that its lines bear no request id.
            self._writing = self._loop.create_task(self._write_all(), context=Context())

    async def settle(self, seconds: float) -> None:
        """Wait until all is written, or the time is over."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=seconds)

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            durable = [attempt for attempt in batch if attempt.durable]
            plain = [attempt for attempt in batch if not attempt.durable]
            try:
                await asyncio.gather(self._end_durable(durable), self._end_plain(plain))
            finally:
                for attempt in batch:
                    self._on_recorded(attempt)

    async def _end_durable(self, attempts: Sequence[Attempt]) -> None:
        keeper = outbox()
        if not attempts or keeper is None:
            return
        try:
            ended = await keeper.end(self._resources, attempts)
        except Exception as error:  # noqa: BLE001 - their leases bring them back
            log.warning("jobs' ends not recorded", jobs=len(attempts), error=describe(error))
            return
        for attempt in attempts:
            if attempt.status == "complete" and attempt.id not in ended:
                log.warning("job had ended elsewhere", job=attempt.id, task=attempt.function)

    async def _end_plain(self, attempts: Sequence[Attempt]) -> None:
        keeper, over = outbox(), [one for one in attempts if _is_for_the_history(one)]
        if keeper is not None and over:
            try:
                await keeper.record(self._resources, over)
            except Exception as error:  # noqa: BLE001 - the queue keeps the result all the same
                log.warning("jobs' ends not recorded", jobs=len(over), error=describe(error))
        if attempts:
            try:
                await self._queue.end(attempts, self._kept)
            except Exception as error:  # noqa: BLE001 - their leases bring them back
                log.warning("jobs not ended", jobs=len(attempts), error=describe(error))


def _is_for_the_history(attempt: Attempt) -> bool:
    return attempt.status in ENDED and not attempt.row
