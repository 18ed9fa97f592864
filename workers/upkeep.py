"""What a worker does once in a while: look, stop what was aborted, beat, queue ticks."""

import asyncio
import os
import socket
from datetime import datetime, timedelta

import structlog
from arq import worker as arq_worker

from kernel.jobs import arq_queue
from kernel.jobs.job import Attempt, Job, describe
from kernel.jobs.outbox import outbox
from kernel.jobs.ticks import tick_id
from kernel.redis.connection import RedisUnavailable
from workers.ends import Ends
from workers.intake import Intake
from workers.lifecycle import Held
from workers.places import Places
from workers.presence import announce

log = structlog.get_logger(__name__)

ASSIGN_INTERVAL = 60.0  # seconds
READY_SECONDS = 0.5  # that a job may wait for a place which it was claimed for ahead of time


class Upkeep(arq_worker.Worker):
    """The part of the worker that runs no jobs."""

    _held: Held | None = None
    _intake: Intake
    _ends: Ends
    _places: Places
    _aborting: set[str]
    _leased: dict[int, Attempt]

    async def _watch(self) -> None:
        """Look for what a notification didn't tell; stop what shall be; beat, and queue ticks."""
        assert self._held is not None
        assigned_at = float("-inf")
        while True:
            try:
                self._release_ready(READY_SECONDS)
                await self._intake.look()
                if self._leased:
                    await self._cancel_aborted_jobs()
                await self.heart_beat()
                keeper = outbox()
                if keeper is not None and self.loop.time() - assigned_at > ASSIGN_INTERVAL:
                    assigned_at = self.loop.time()
                    lanes = {task.name: task.lane for task in self._held.tasks.values()}
                    await keeper.assign(self._held.resources, lanes)
            except RedisUnavailable:
                pass  # told by its client
            except Exception as error:  # noqa: BLE001 - no trouble may end the watch
                log.warning("worker in trouble", error=describe(error))
            if self.burst:
                self._intake.notify()
            await asyncio.sleep(self.poll_delay_s)

    async def _cancel_aborted_jobs(self) -> None:
        assert self._held is not None
        running = {key.partition(":")[2]: task for key, task in self.tasks.items()}
        found = await self._held.queue.aborted() & running.keys()
        if found:
            self._aborting |= found
            for job_id in found:
                running[job_id].cancel()
            await self._held.queue.forget_aborted(found)

    async def run_cron(self, n: datetime, delay: float, num_windows: int = 2) -> None:
        """ARQ's, with a tick in the queue of its task, under an id that makes it one tick."""
        assert self._held is not None
        ticks: list[Job] = []
        for cron in self.cron_jobs:
            if cron.next_run is None:
                cron.calculate_next(n)
            elif cron.next_run < n + timedelta(seconds=delay * num_windows):
                tick, name = cron.next_run, cron.name.removeprefix("cron:")
                later = (tick - datetime.now(tz=self.timezone)).total_seconds()
                job_id = tick_id(name, tick)
                lane = self._held.tasks[name].lane
                ticks.append(Job(job_id, name, {}, defer_by=max(0.0, later), queue=lane))
                cron.calculate_next(tick)
        await arq_queue.put(self._held.redis, ticks)

    async def record_health(self) -> None:
        """What `arq --check` reads, and what tells whether some worker would take a job."""
        assert self._held is not None
        if self.loop.time() - self._last_health_check < self.health_check_interval:
            return
        self._last_health_check = self.loop.time()
        health = (
            f"j_complete={self.jobs_complete} j_failed={self.jobs_failed} "
            f"j_retried={self.jobs_retried} j_ongoing={len(self.tasks)}"
        )
        seconds = self.health_check_interval * 2 + 1
        key, running = self.health_check_key, len(self.tasks)
        await announce(self._held, self._id, key, health, seconds, running)

    @property
    def _id(self) -> str:
        return f"{socket.gethostname()}:{os.getpid()}:{id(self)}"

    def _release_ready(self, older_than: float = 0) -> None:
        """Give back what was claimed ahead and found no place: another worker may have one."""
        ready = self._places.ready
        while ready and self.loop.time() - ready[0][2] >= older_than:
            attempt, slot, _ = ready.popleft()
            if slot is not None:
                self._intake.release(attempt.queue, [slot])
            if attempt.status == "queued":
                attempt.status = "waiting"
            self._ends.add(attempt)
