"""ARQ's worker, which doesn't die with Redis, and whose jobs don't wait long when it is killed."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from arq import worker as arq_worker
from arq.constants import in_progress_key_prefix
from redis.exceptions import RedisError

from kernel.jobs.arq_queue import arq_client

log = structlog.get_logger(__name__)

# redis-py's own errors (WatchError among them: a connection lost while watching), and the system's.
UNAVAILABLE = (RedisError, OSError)
RETRY_DELAY = 0.5  # seconds


class Worker(arq_worker.Worker):
    """What arq.worker.Worker is, with a lease on each running job in place of a time-out.

    ARQ marks a job as running for as long as the longest time-out, so that the jobs of a killed
    worker would wait that long. Here the mark lasts `lease` seconds and is renewed.
    """

    # No constructor of ours: ARQ reads its parameters to know which settings to pass.
    _away = False
    _renewal: asyncio.Task[None] | None = None
    _ends: set[asyncio.Task[Any]] | None = None

    async def main(self) -> None:
        lease: float = self.ctx["lease"]
        self.in_progress_timeout_s = lease
        self._ends = set()
        if self._pool is None:
            self._pool = arq_client(self.ctx["queue_url"])
        while not await self._reachable():  # noqa: ASYNC110 - it waits for another machine
            await asyncio.sleep(RETRY_DELAY)
        # It outlives this method: while the worker drains, its jobs keep their leases.
        self._renewal = asyncio.create_task(self._renew_leases(lease))
        await super().main()

    async def close(self) -> None:
        if self.main_task is not None and not self.main_task.done():
            self.main_task.cancel()
            await asyncio.wait([self.main_task])
        await self._stop_jobs()
        try:
            await super().close()
        except UNAVAILABLE as error:
            log.warning("queue away while the worker stopped", error=str(error))
            if self.on_shutdown:
                await self.on_shutdown(self.ctx)
        finally:
            if self._renewal is not None:
                self._renewal.cancel()
                with suppress(asyncio.CancelledError):
                    await self._renewal

    async def _stop_jobs(self) -> None:
        """Stop what the drain left, and let each end that was being written be written.

        ARQ's own close() gives up at the first job that is cancelled at that moment.
        """
        for task in self.tasks.values():
            if not task.cancelling():  # a second time would stop it from handing its job back
                task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()
        await asyncio.gather(*(self._ends or ()), return_exceptions=True)

    async def finish_job(self, *arguments: Any, **named: Any) -> None:
        # ARQ shields this from cancellation, in a task that it doesn't keep.
        task = asyncio.current_task()
        assert task is not None
        assert self._ends is not None
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
        await super().finish_job(*arguments, **named)

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        for job_id in job_ids:
            if self.job_counter >= self.max_jobs:
                return
            try:
                await super().start_jobs([job_id])
            except UNAVAILABLE:
                # ARQ took a place for the job before it asked Redis, and doesn't give it back.
                self._release_sem_dec_counter_on_complete()
                raise

    async def _poll_iteration(self) -> None:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # A client that lost its connection meanwhile may have raised that instead.
            raise asyncio.CancelledError
        try:
            await super()._poll_iteration()
        except UNAVAILABLE as error:
            if not self._away:
                log.warning("queue away", error=str(error))
            self._away = True
            await asyncio.sleep(RETRY_DELAY)
        else:
            if self._away:
                log.info("queue back")
            self._away = False

    async def _reachable(self) -> bool:
        try:
            await self.pool.ping()
        except UNAVAILABLE as error:
            if not self._away:
                log.warning("queue away", error=str(error))
            self._away = True
            return False
        self._away = False
        return True

    async def _renew_leases(self, lease: float) -> None:
        milliseconds = int(lease * 1000)
        while True:
            await asyncio.sleep(lease / 4)
            with suppress(*UNAVAILABLE):
                async with self.pool.pipeline(transaction=False) as pipe:
                    # Set, not extended: a Redis that lost its data learns that the job runs.
                    for job_id in self.job_tasks:
                        pipe.psetex(in_progress_key_prefix + job_id, milliseconds, b"1")
                    await pipe.execute()
