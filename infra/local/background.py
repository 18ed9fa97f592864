"""An event loop in a thread of its own, for what synchronous code wants of asynchronous code."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class Background:
    """Runs coroutines for a caller that waits, whether or not a loop runs where it is.

    Use it as a context manager; connections made in it stay usable until its end.
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def in_thread(self, function: Callable[[], Result]) -> Result:
        """Wait for a function that starts a loop by itself."""
        return self.run(asyncio.to_thread(function))
