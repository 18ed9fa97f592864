"""A thread that sees when the event loop stands, and says where."""

# sys._current_frames() is documented, and the only way to another thread's stack.
# pyright: reportPrivateUsage=false

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

BEATS = 4  # in the time after which a loop counts as blocked


@contextmanager
def watching(limit: float) -> Generator[None]:
    """Log it, with its stack, when the running loop doesn't turn for `limit` seconds; 0: don't."""
    if not limit:
        yield
        return
    watch = _Watch(limit)
    try:
        yield
    finally:
        watch.stop()


class _Watch:
    def __init__(self, limit: float) -> None:
        self._limit, self._pause = limit, limit / BEATS
        self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._ended = threading.Event()
        self._beat()
        self._thread = threading.Thread(target=self._look, name="loop watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._timer.cancel()
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        self._turned_at = time.monotonic()
        self._timer = self._loop.call_later(self._pause, self._beat)

    def _look(self) -> None:
        told = 0.0  # the beat whose silence has been told
        looked_at = time.monotonic()
        while not self._ended.wait(self._pause):
            now = time.monotonic()
            # A process that was stopped, or got no CPU, didn't run this thread either.
            rested, looked_at = now - looked_at > 2 * self._pause + 0.1, now
            turned_at = self._turned_at
            if told and turned_at != told:
                log.warning("event loop runs again", seconds=round(turned_at - told, 1))
                told = 0.0
            elif not told and not rested and now - turned_at > self._limit:
                told = turned_at
                self._tell(now - turned_at)

    def _tell(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._thread_id)
        if frame is not None:
            stack = "".join(traceback.format_stack(frame))
            log.error(
                "event loop blocked", seconds=round(seconds, 1), at=_place(frame), stack=stack
            )


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}"
