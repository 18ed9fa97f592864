"""How long a single callback of the event loop kept the CPU, and bodies that try to."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

NASTY = 1024 * 1024 - 64  # bytes, just within MAX_BODY_BYTES


class Lag:
    """The longest callback so far, in milliseconds of CPU."""

    milliseconds = 0.0


@contextmanager
def measured() -> Iterator[Lag]:
    """Time each callback of the loop, which must be asyncio's own: see `run`."""
    lag, run_handle = Lag(), asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        run_handle(handle)
        lag.milliseconds = max(lag.milliseconds, (time.thread_time() - started) * 1000)

    asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]
    try:
        yield lag
    finally:
        asyncio.Handle._run = run_handle  # type: ignore[method-assign]


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` on a loop of asyncio's own, since uvloop's callbacks can't be timed."""
    # As the API does at its start: what other tests have left isn't looked through meanwhile.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(work())


def fill(opening: bytes, piece: bytes, closing: bytes) -> bytes:
    """As many of the pieces as the limit lets in."""
    return opening + piece * ((NASTY - len(opening) - len(closing)) // len(piece)) + closing


def nasty_json() -> dict[str, bytes]:
    """Bodies within the limit on bytes that cost as much as possible."""
    keys = b",".join(b'"k%d":1' % number for number in range(85_000))[: NASTY - 20]
    thousand = b",".join(b'"%s%d":1' % (b"k" * 1000, number) for number in range(1000))
    return {
        "many keys": b"{" + keys.rpartition(b",")[0] + b"}",
        "a thousand long keys": b"{" + thousand[:-1] + b"1}",
        "keys in many objects": fill(b'{"a":[{}', b',{"k":1}', b"]}"),
        "deep lists": fill(b"", b"[", b""),
        "deep objects": fill(b"", b'{"a":', b""),
        "a list of words": fill(b'["a"', b',"a"', b"]"),
        "three thousand words": b'["a"' + b',"a"' * 2_998 + b"]",
        "long words": b'["a"' + b',"' + b"a" * 100 + b'"' + b',"%s"' % (b"b" * 340) * 2_900 + b"]",
        "a long string": b'{"name":"' + b"a" * (NASTY - 20) + b'"}',
        "escapes": fill(b'{"name":"', b'\\"', b'"}'),
        "escaped letters": fill(b'{"email":"', b"\\u00e9", b'@example.com"}'),
        "a string that doesn't end": b'{"name":"' + b":,{[" * (NASTY // 4 - 10),
        "a huge number": fill(b'{"name":', b"9", b"}"),
        "huge numbers": b"[1" + (b"," + b"9" * 4299) * 240 + b"]",
        "long fractions": b"[1" + (b",0." + b"1" * 350) * 2_900 + b"]",
        "UTF-16": fill(b'{"name":"', b'\\"', b'"}').decode().encode("utf-16-le")[:NASTY],
        "blanks": fill(b"{", b" ", b"}"),
    }
