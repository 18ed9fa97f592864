"""ARQ's worker with a loop of our own: told of jobs, it takes as many as it has places for.

It is told by a list in Redis (kernel.jobs.arq_queue.wake_key), on which it waits while it is idle,
and looks by itself once in a while, for what it wasn't told. Redis and PostgreSQL may come and go.
"""

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from kernel.jobs.job import Attempt
from kernel.redis.connection import RedisUnavailable
from workers.counts import keep_folded
from workers.ends import Ends
from workers.intake import Intake
from workers.leases import renew_leases
from workers.places import Places
from workers.presence import withdraw
from workers.upkeep import Upkeep

log = structlog.get_logger(__name__)

STOP_TIMEOUT = 3.0  # seconds that what is being written gets when the worker stops
BURST_WAIT = 2.0  # seconds; in burst mode, what is due later is left


class Worker(Upkeep):
    """What arq.worker.Worker is to ARQ's command and to its cron, with jobs claimed by Intake."""

    # No constructor of ours: ARQ reads its parameters to know which settings to pass.
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
                keep_folded(held.resources),
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

    async def _run(self, attempt: Attempt) -> None:
        assert self._held is not None
        task, recorded = self._held.tasks.get(attempt.function), False
        begun = self.loop.time()
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
        for observe in self._held.observers:
            observe(attempt, self.loop.time() - begun)
        if recorded:
            self._on_recorded(attempt)
        else:
            self._ends.add(attempt)

    async def _attempt(self, task: Any, attempt: Attempt) -> bool:
        assert self._held is not None
        try:
            return await self._held.run(task, self._held.resources, attempt)
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
        self._release_ready()
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
