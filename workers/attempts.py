"""One attempt of a job: its own unit of work, its time-out, its end, and what follows a failure."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from arq import Retry

from kernel.context import request_id_var
from kernel.jobs import Attempt, JobContext, Task, arq_queue
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable
from kernel.resources import Resources

log = structlog.get_logger(__name__)

RELEASE_TIMEOUT = 3.0  # seconds


class JobGivenUp(Exception):
    """The job was begun as often as it may be, and each time its worker died."""


class JobOver(Exception):
    """The job has ended elsewhere, so this attempt's work must not be committed."""


async def run_attempt(
    task: Task,
    ctx: dict[str, Any],
    *,
    arguments: dict[str, Any] | None = None,
    request_id: str | None = None,
    queued_by: str | None = None,
    durable: bool = False,
) -> Any:
    """Run the task once, as ARQ calls it. Raises arq.Retry when it shall run again."""
    request_id_var.set(request_id or ctx["job_id"])
    attempt = Attempt(
        id=ctx["job_id"],
        function=task.name,
        arguments=arguments or {},
        request_id=request_id,
        queued_by=queued_by,
        durable=durable,
        enqueue_time=ctx["enqueue_time"],
        start_time=datetime.now(UTC),
        tries=ctx["job_try"],
    )
    return await _AttemptRunner(task, ctx["resources"], attempt).run()


class _AttemptRunner:
    def __init__(self, task: Task, resources: Resources, attempt: Attempt) -> None:
        self._task, self._resources, self._attempt = task, resources, attempt
        self._started = time.perf_counter()
        self._outbox = outbox()
        # Without an outbox the job runs as a plain one.
        self._durable = attempt.durable and self._outbox is not None
        self._log = log.bind(job=attempt.id, task=task.name)

    async def run(self) -> Any:
        if self._durable and not await self._begin():
            self._log.info("job had ended already")
            return None
        try:
            result = await self._work()
        except JobOver:
            self._log.warning("job ended elsewhere meanwhile; this attempt is undone")
            return None
        except asyncio.CancelledError:
            await self._release()
            raise
        except Exception as error:
            await self._fail(error)
            raise
        self._log.info("job done", attempt=self._attempt.tries, seconds=self._seconds)
        if not self._durable:
            self._attempt.status, self._attempt.result = "complete", result
            await self._record()
        return result

    async def _begin(self) -> bool:
        assert self._outbox is not None
        try:
            tries = await self._outbox.begin(self._resources, self._attempt.id)
        except Exception as error:
            # The database is away, which is no attempt of the job.
            self._log.warning("job not begun", error=arq_queue.describe(error))
            raise Retry(defer=self._task.delay(self._attempt.tries)) from error
        self._attempt.tries = tries or 0
        return tries is not None

    async def _work(self) -> Any:
        if self._attempt.tries > self._task.max_tries:
            raise JobGivenUp(f"{self._task.max_tries} attempts ended with their worker")
        async with asyncio.timeout(self._task.timeout), self._resources.unit() as db:
            arguments = self._task.arguments.model_validate(self._attempt.arguments)
            context: JobContext = {
                "job_id": self._attempt.id,
                "job_try": self._attempt.tries,
                "db": db,
                "resources": self._resources,
                "progress": self._report,
            }
            result = await self._task.function(context, arguments)
            arq_queue.serialize(result)  # what can't be kept is a failure, before the commit
            # The end is recorded in the transaction of the work: both are there, or neither.
            keeper = self._outbox if self._durable else None
            if keeper and not await keeper.complete(db, self._attempt.id, result):
                raise JobOver
        return result

    async def _report(self, done: float, total: float, note: str = "") -> None:
        redis = self._resources.redis("queue")
        assert redis is not None, "a worker has a queue"
        with suppress(RedisUnavailable):
            progress = {"done": done, "total": total, "note": note}
            await arq_queue.report(redis, self._attempt.id, progress)

    async def _release(self) -> None:
        """The worker stops: the attempt doesn't count, since it isn't the job's fault."""
        self._log.info("job handed back", seconds=self._seconds)
        redis = self._resources.redis("queue")
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                if self._durable and self._outbox is not None:
                    await self._outbox.release(self._resources, self._attempt)
                elif redis is not None:
                    await arq_queue.forget_attempt(redis, self._attempt.id)
        except Exception as error:  # noqa: BLE001 - whatever is away, the worker must stop now
            self._log.warning("attempt not taken back", error=arq_queue.describe(error))

    async def _fail(self, error: Exception) -> None:
        """Note the failure; raise arq.Retry unless it is final."""
        self._attempt.error = arq_queue.describe(error)
        final = self._attempt.tries >= self._task.max_tries
        noted = True
        if self._durable or final:
            self._attempt.status = "failed" if final else "queued"
            noted = await self._record()
        # A durable job whose end couldn't be noted isn't over: its row would bring it back.
        if final and (noted or not self._durable):
            self._log.error("job failed", attempt=self._attempt.tries, exc_info=error)
            return
        asked = error.defer_score if isinstance(error, Retry) else None
        delay = self._task.delay(self._attempt.tries) if asked is None else asked / 1000
        self._log.warning(
            "job failed, and runs again",
            attempt=self._attempt.tries,
            delay=round(delay, 2),
            error=self._attempt.error,
        )
        raise Retry(defer=delay) from error

    async def _record(self) -> bool:
        if self._outbox is None:
            return True
        try:
            await self._outbox.record(self._resources, self._attempt)
        except Exception as error:  # noqa: BLE001 - the caller decides what a missing record means
            self._log.warning("job's end not recorded", error=arq_queue.describe(error))
            return False
        return True

    @property
    def _seconds(self) -> float:
        return round(time.perf_counter() - self._started, 3)
