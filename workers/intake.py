"""Where jobs come from: the lanes of a worker, which of them may hold something, and claiming it.

A lane is a queue, or the part of a queue that one task's limit governs. It holds plain jobs, in
Redis, and durable ones, in the outbox; they take turns.
"""

import asyncio
from collections.abc import Iterator

import structlog

from kernel.jobs import arq_queue
from kernel.jobs.arq_queue import wake_key
from kernel.jobs.job import Attempt, describe
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable
from workers.lanes import Lane
from workers.lifecycle import Held
from workers.slots import Slots

log = structlog.get_logger(__name__)

BLOCK = 5.0  # seconds that the list of notifications is waited for at a time
RETRY_DELAY = 0.5  # seconds


class Intake:
    """Claims jobs for one worker."""

    def __init__(self, held: Held) -> None:
        self._held, self._outbox = held, outbox()
        self._lanes = {lane.name: lane for lane in held.lanes}
        self._known = list(held.tasks)
        self._turn, self._troubles = False, {True: "", False: ""}
        self._changed, self._idle = asyncio.Event(), asyncio.Event()
        self.slots = Slots(held.redis, held.lease)

    @property
    def is_hinted(self) -> bool:
        """Whether some lane may hold something due."""
        return any(lane.hints for lane in self._lanes.values())

    def hinted(self) -> Iterator[tuple[Lane, bool]]:
        """The lanes that may hold something, first things first."""
        self._turn = not self._turn
        for lane in self._lanes.values():
            for durable in (self._turn, not self._turn):
                if durable in lane.hints:
                    yield lane, durable

    def notify(self) -> None:
        """A place is free, or there is something to take."""
        self._changed.set()

    async def wait(self, has_room: bool) -> None:
        """Until something has changed that may be worth another look."""
        if has_room and self.is_hinted:
            await asyncio.sleep(0)
            return
        if has_room:
            self._idle.set()
        await self._changed.wait()
        self._changed.clear()
        self._idle.clear()

    def hint_later(self, name: str, durable: bool, seconds: float) -> None:
        """Look there in so many seconds."""
        asyncio.get_running_loop().call_later(max(0.0, seconds), self._hint, name, durable)

    def _hint(self, name: str, durable: bool) -> None:
        lane = self._lanes.get(name)
        if lane is not None:
            lane.hints.add(durable)
            self._changed.set()

    async def claim(self, lane: Lane, durable: bool, free: int) -> list[tuple[Attempt, str | None]]:
        """Up to `free` attempts that have begun, each with the slot it takes if any."""
        lane.hints.discard(durable)
        slots: list[str] = []
        found: list[Attempt] = []
        try:
            if lane.limit is not None:
                slots = await self.slots.reserve(lane.name, lane.limit, free)
                free = len(slots)
            if free:
                found = await self._claim(lane, durable, free)
            self._tell(durable, "")
        except Exception as error:  # noqa: BLE001 - whatever is away comes back
            self._tell(durable, describe(error))
        finally:
            self.release(lane.name, slots[len(found) :], again=False)
        if found and len(found) == free:
            lane.hints.add(durable)
        taken: list[str | None] = [*slots[: len(found)]] or [None] * len(found)
        return list(zip(found, taken, strict=True))

    async def _claim(self, lane: Lane, durable: bool, free: int) -> list[Attempt]:
        held = self._held
        if not durable:
            return await held.queue.claim(lane.name, free)
        if self._outbox is None:
            return []
        found = await self._outbox.claim(held.resources, lane.name, self._known, free, held.lease)
        if len(found) == free:  # there may be more, for another worker
            arq_queue.wake(held.redis, lane.name)
        return found

    def release(self, name: str, slots: list[str], again: bool = True) -> None:
        """Give slots back; `again` when jobs may have been waiting for them."""
        if not slots:
            return
        self.slots.release(slots)
        if again:
            for durable in (True, False):
                self._hint(name, durable)
                arq_queue.wake(self._held.redis, name, durable)

    async def look(self) -> float:
        """Hint at what is due; return the seconds until the next job is."""
        names, soonest = list(self._lanes), float("inf")
        for durable in (True, False):
            if durable and self._outbox is None:
                continue
            try:
                if durable:
                    assert self._outbox is not None
                    due = await self._outbox.due(self._held.resources, names, self._known)
                else:
                    due = await self._held.queue.due(names)
                self._tell(durable, "")
            except Exception as error:  # noqa: BLE001 - whatever is away comes back
                self._tell(durable, describe(error))
                continue
            for name, seconds in due.items():
                soonest = min(soonest, seconds)
                if seconds < self._held.poll:
                    self.hint_later(name, durable, seconds)
        return soonest

    async def listen(self) -> None:
        """Wait for notifications while there is nothing to do."""
        keys = {
            wake_key(name, durable): (name, durable)
            for name in self._lanes
            for durable in (True, False)
        }
        while True:
            await self._idle.wait()
            try:
                reply = await self._held.waker.execute("BLPOP", *keys, BLOCK)
            except RedisUnavailable:
                await asyncio.sleep(RETRY_DELAY)
                continue
            if reply is None:
                continue
            name, durable = keys[reply[0].decode()]
            if self._idle.is_set():
                self._hint(name, durable)
            else:  # no place by now: perhaps another worker has one
                self._lanes[name].hints.add(durable)
                arq_queue.wake(self._held.redis, name, durable)
                await asyncio.sleep(0)

    def _tell(self, durable: bool, trouble: str) -> None:
        if trouble != self._troubles[durable]:
            where = "outbox" if durable else "queue"
            if trouble:
                log.warning(f"{where} away", error=trouble)
            else:
                log.info(f"{where} back")
            self._troubles[durable] = trouble
