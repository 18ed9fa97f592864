"""The Redis client on asyncio's event loop and on uvloop's."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from kernel.redis.client import Redis
from kernel.tests.fault_proxy import cut_and_back, is_unavailable, proxy_to, until

TIMEOUT = 0.08


async def work(url: str) -> None:
    async with proxy_to(url) as proxy:
        redis = Redis(proxy.url, TIMEOUT)
        await redis.open()
        await cut_and_back(proxy, redis)
        proxy.stall()
        assert await is_unavailable(redis)
        proxy.flow()
        await until(lambda: redis.available)
        big = b"x" * 3_000_000
        await redis.execute("SET", "big", big)
        assert await redis.execute("GET", "big") == big
        await redis.close()


async def be_busy(url: str) -> None:
    redis = Redis(url, TIMEOUT)
    await redis.open()
    for pause in (0, 0.001, 0.01):
        for _ in range(3):
            asked = asyncio.create_task(redis.execute("ECHO", "slow"))
            await asyncio.sleep(pause)
            time.sleep(2 * TIMEOUT)  # noqa: ASYNC251 - a mistake of someone's that blocks the loop
            assert await asked == b"slow"
    assert redis.available
    await redis.close()


LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
NewLoop = Callable[[], asyncio.AbstractEventLoop]


@LOOPS
def test_it_works_on_either_event_loop(redis_url: str, loop: NewLoop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work(redis_url))


@LOOPS
def test_a_busy_event_loop_is_not_taken_for_a_silent_server(redis_url: str, loop: NewLoop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(be_busy(redis_url))
