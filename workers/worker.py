"""ARQ's worker with a loop of our own: told of jobs, it takes as many as it has places for.

It is told by a list in Redis (kernel.jobs.arq_queue.wake_key), on which it waits while it is idle,
and looks by itself once in a while, for what it wasn't told. Redis and PostgreSQL may come and go.
"""

import asyncio
import os
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from arq import worker as arq_worker
from arq.utils import to_unix_ms

from kernel.jobs import arq_queue
from kernel.jobs.job import Attempt, Job, describe
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable
from workers.attempts import run_attempt
from workers.ends import Ends
from workers.intake import Intake
from workers.leases import renew_leases
from workers.lifecycle import Held
from workers.places import Places
from workers.presence import announce, withdraw

log = structlog.get_logger(__name__)

STOP_TIMEOUT = 3.0  # seconds that what is being written gets when the worker stops
BURST_WAIT = 2.0  # seconds; in burst mode, what is due later is left
ASSIGN_INTERVAL = 60.0  # seconds
READY_SECONDS = 0.5  # that a job may wait for a place which it was claimed for ahead of time


class Worker(arq_worker.Worker):
    """What arq.worker.Worker is to ARQ's command and to its cron, with jobs claimed by Intake."""

    # No constructor of ours: ARQ reads its parameters to know which settings to pass.
    _held: Held | None = None
    _filling: asyncio.Task[None] | None = None

    async def main(self) -> None:
        if self._held is None:
            await self._open()
        while True:
            # Not stopped half-way: what has been claimed must be started, or be given back.
            self._filling = asyncio.create_task(self._fill())
            await asyncio.shield(self._filling)
            if self.burst and await self._is_finished():
                return
            await self._intake.wait(self._room() > 0)

    async def _open(self) -> None:
        self._aborting: set[str] = set()
        self._leased: dict[int, Attempt] = {}
        self._places = Places(self.max_jobs)
        if self.on_startup:
            await self.on_startup(self.ctx)
        held = self._held = self.ctx["held"]
        self._intake = Intake(held)
        self._ends = Ends(
            held.resources,
            held.queue,
            {task.name: task.keep_result for task in held.tasks.values()},
            self._on_recorded,
        )
        # They outlive this method: while the worker drains, its jobs keep their leases.
        self._helpers = [
            asyncio.create_task(helper)
            for helper in (
                self._watch(),
                self._intake.listen(),
                renew_leases(held, self._leased, self._intake.slots),
            )
        ]

    def _room(self, limited: bool = False) -> int:
        """How many jobs to claim. Ends that aren't written yet may be many, but not any number."""
        if not self.allow_pick_jobs or len(self._ends) > 50 * self.max_jobs:
            return 0
        return self._places.room(len(self.tasks), limited)

    async def _fill(self) -> None:
        for lane, durable in self._intake.hinted():
            room = self._room(lane.limit is not None)
            if room > 0:
                for attempt, slot in await self._intake.claim(lane, durable, room):
                    self._leased[id(attempt)] = attempt
                    self._places.ready.append((attempt, slot, self.loop.time()))
                self._start_ready()

    def _start_ready(self) -> None:
        while self._places.ready and len(self.tasks) < self.max_jobs and self.allow_pick_jobs:
            attempt, slot, _ = self._places.ready.popleft()
            self._start(attempt, slot)

    def _start(self, attempt: Attempt, slot: str | None) -> None:
        # By the object: a job whose lease was lost may be here twice.
        key, begun = f"{id(attempt)}:{attempt.id}", self.loop.time()
        task = self.tasks[key] = self.loop.create_task(self._run(attempt))

        def free_place(_: "asyncio.Task[None]") -> None:
            del self.tasks[key]
            self._places.note(self.loop.time() - begun)
            if slot is not None:
                self._intake.release(attempt.queue, [slot])
            self._start_ready()
            self._intake.notify()

        task.add_done_callback(free_place)

    def _hand_back_ready(self, older_than: float = 0) -> None:
        """Give back what was claimed ahead and found no place: another worker may have one."""
        ready = self._places.ready
        while ready and self.loop.time() - ready[0][2] >= older_than:
            attempt, slot, _ = ready.popleft()
            if slot is not None:
                self._intake.release(attempt.queue, [slot])
            if attempt.status == "queued":
                attempt.status = "waiting"
            self._ends.add(attempt)

    async def _run(self, attempt: Attempt) -> None:
        assert self._held is not None
        task, recorded = self._held.tasks.get(attempt.function), False
        if attempt.status == "queued":
            if task is not None and task.concurrency and task.lane != attempt.queue:
                # Queued by a client that doesn't know of the limit.
                attempt.status, attempt.moved_to = "waiting", task.lane
            else:
                recorded = await self._attempt(task, attempt)
        if attempt.status == "complete":
            self.jobs_complete += 1
        elif attempt.status in ("waiting", "queued"):
            self.jobs_retried += 1
        else:
            self.jobs_failed += 1
        if recorded:
            self._on_recorded(attempt)
        else:
            self._ends.add(attempt)

    async def _attempt(self, task: Any, attempt: Attempt) -> bool:
        assert self._held is not None
        try:
            return await run_attempt(task, self._held.resources, attempt)
        except asyncio.CancelledError:
            aborted = attempt.id in self._aborting
            self._aborting.discard(attempt.id)
            # A stop of the worker isn't the job's fault, so the attempt doesn't count.
            attempt.status, attempt.result = "cancelled" if aborted else "waiting", None
            what = "job cancelled" if aborted else "job handed back"
            log.info(what, job=attempt.id, task=attempt.function)
            return False

    def _on_recorded(self, attempt: Attempt) -> None:
        self._leased.pop(id(attempt), None)
        if attempt.status in ("waiting", "queued"):
            lane = attempt.moved_to or attempt.queue
            self._intake.hint_later(lane, attempt.durable, attempt.delay)
        self._intake.notify()

    async def _is_finished(self) -> bool:
        if self._leased or self._intake.is_hinted:
            return False
        return await self._intake.look() > BURST_WAIT

    async def _watch(self) -> None:
        """Look for what a notification didn't tell; stop what shall be; beat, and queue ticks."""
        assert self._held is not None
        assigned_at = float("-inf")
        while True:
            try:
                self._hand_back_ready(READY_SECONDS)
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
        ticks = []
        for cron in self.cron_jobs:
            if cron.next_run is None:
                cron.calculate_next(n)
            elif cron.next_run < n + timedelta(seconds=delay * num_windows):
                tick, name = cron.next_run, cron.name.removeprefix("cron:")
                later = (tick - datetime.now(tz=self.timezone)).total_seconds()
                tick_id = f"{cron.name}:{to_unix_ms(tick)}"
                lane = self._held.tasks[name].lane
                ticks.append(Job(tick_id, name, {}, defer_by=max(0.0, later), queue=lane))
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
        await announce(self._held, self._id, self.health_check_key, health, seconds)

    @property
    def _id(self) -> str:
        return f"{socket.gethostname()}:{os.getpid()}:{id(self)}"

    async def close(self) -> None:
        self.allow_pick_jobs = False
        if self.main_task is not None and not self.main_task.done():
            self.main_task.cancel()
            await asyncio.wait([self.main_task])
        held = self._held
        if held is None:
            return
        if self._filling is not None:
            await asyncio.wait([self._filling], timeout=STOP_TIMEOUT)
        self._hand_back_ready()
        for task in self.tasks.values():
            if not task.cancelling():  # a second time would stop it from handing its job back
                task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await self._ends.settle(STOP_TIMEOUT)
        for helper in self._helpers:
            helper.cancel()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        with suppress(RedisUnavailable):
            await withdraw(held, self._id, self.health_check_key)
        self._held = None
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
