"""Who waits for bcrypt: few checks of each account and address, addresses served in turn."""

import asyncio
import os
import random
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar
from weakref import WeakKeyDictionary

from kernel.errors import RateLimitException, ServiceUnavailableException

T = TypeVar("T")
# Half of the cores stay for requests that need no bcrypt.
THREADS = max(1, (os.cpu_count() or 2) // 2)
MAX_PER_ACCOUNT = 5
MAX_PER_ADDRESS = 20
RETRY_AFTER = 1  # seconds
MAX_WAIT = 5.0  # seconds; later the answer would come too late
MAX_REMEMBERED = 10_000  # addresses, by when they were served last
BUSY = "Too many logins at once; try again shortly."

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
_queues: "WeakKeyDictionary[asyncio.AbstractEventLoop, PasswordQueue]" = WeakKeyDictionary()


class PasswordQueue:
    """Runs work in `threads` threads: next comes the address that was served longest ago.

    So a login from an address that has been quiet waits for one check at most, however many wait
    from others. Work whose caller is cancelled, since the client hung up, is never begun.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._free = threads
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._served: dict[str, int] = {}
        self._turns = count(1)

    @asynccontextmanager
    async def place(self, address: str = "", account: str = "") -> AsyncGenerator[None, None]:
        """Hold a place of the address or the account, from before anything is looked up for it.

        Raises RateLimitException (429) where all are taken. The address gets its place back after
        RETRY_AFTER seconds where its client hung up or was refused: those would come back at once.
        """
        await self.refuse_more(address, account)
        of_address, of_account = [f"@{address}"] * bool(address), [f"={account}"] * bool(account)
        self._taken.update(of_address + of_account)
        try:
            yield
        except BaseException:
            self._free_places(of_account)
            asyncio.get_running_loop().call_later(RETRY_AFTER, self._free_places, of_address)
            raise
        self._free_places(of_address + of_account)

    async def run(self, work: Callable[[], T], address: str) -> T:
        """What the work returns. Raises ServiceUnavailableException (503) after MAX_WAIT seconds
        of waiting."""
        await self._turn(address)
        running = asyncio.get_running_loop().run_in_executor(_threads, work)
        # Not when its caller is cancelled: the thread goes on.
        running.add_done_callback(lambda _: self._release())
        return await asyncio.shield(running)

    async def refuse_more(self, address: str = "", account: str = "") -> None:
        """Raise RateLimitException (429) when all places of the address or account are taken.

        After one or two times RETRY_AFTER seconds: clients that ask again at once would keep the
        event loop as busy as they may not keep bcrypt.
        """
        if (
            self._taken[f"@{address}"] >= MAX_PER_ADDRESS
            or self._taken[f"={account}"] >= MAX_PER_ACCOUNT
        ):
            # Not all at once, or they would all come back at once.
            await asyncio.sleep(RETRY_AFTER * random.uniform(1, 2))  # noqa: S311 - no secret
            raise RateLimitException(headers={"Retry-After": str(RETRY_AFTER)})

    def _free_places(self, keys: list[str]) -> None:
        self._taken.subtract(keys)
        self._taken = +self._taken

    async def _turn(self, address: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        self._serve()
        try:
            async with asyncio.timeout(MAX_WAIT):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._release()  # it came at the last moment
            else:
                self._leave(address, turn)
            if isinstance(error, TimeoutError):
                raise ServiceUnavailableException(BUSY) from None
            raise

    def _leave(self, address: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(address, deque())
        if turn in queue:  # else it was passed over, cancelled
            queue.remove(turn)
            if not queue:
                del self._waiting[address]

    def _serve(self) -> None:
        while self._free and self._waiting:
            address = min(self._waiting, key=lambda one: self._served.get(one, 0))
            turn = self._waiting[address][0]
            self._leave(address, turn)
            self._served.pop(address, None)
            self._served[address] = next(self._turns)
            if len(self._served) > MAX_REMEMBERED:
                del self._served[next(iter(self._served))]
            if not turn.done():  # else its caller is being cancelled
                self._free -= 1
                turn.set_result(None)

    def _release(self) -> None:
        self._free += 1
        self._serve()


def password_queue() -> PasswordQueue:
    """The queue of this event loop."""
    return _queues.setdefault(asyncio.get_running_loop(), PasswordQueue())
