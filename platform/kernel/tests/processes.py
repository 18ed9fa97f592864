"""What tests run in several processes: `python -m kernel.tests.processes PROGRAM URL ...`."""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kernel.redis.client import Redis

if TYPE_CHECKING:
    from kernel.rate_limit.limiter import Limiter


async def meet(redis: Redis, number: int) -> None:
    """Wait until that many processes are here."""
    await redis.execute("INCR", "here")
    while int(await redis.execute("GET", "here")) < number:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.001)


async def read(redis: Redis, processes: int, readers: int) -> object:
    """Miss the same value many times at once; what the readers got."""
    from kernel.cache.store import VersionedStore

    versions = VersionedStore(redis)

    async def load() -> bytes:
        await redis.execute("INCR", "loads")
        await asyncio.sleep(0.2)
        return b"value"

    await meet(redis, processes)
    reads = [versions.fetch("key", ["x"], load, 60) for _ in range(readers)]
    return sorted({str(value) for value in await asyncio.gather(*reads)})


async def take(redis: Redis, processes: int, duration: int, *numbers: int) -> object:
    """Take as much as one gets of several quotas, each a limit and a period, times in milliseconds;
    of each, stamps and whether it was granted."""
    from kernel.rate_limit.limiter import Limiter

    limiter = Limiter(redis)
    await meet(redis, processes)
    quotas = zip(numbers[::2], numbers[1::2], strict=True)
    return await asyncio.gather(*[_take(limiter, duration, *one) for one in quotas])


async def _take(limiter: "Limiter", duration: int, limit: int, period: int) -> object:
    from kernel.rate_limit.rules import Quota, Rule

    quota = Quota(f"shared:{limit}:{period}", Rule(limit, period / 1000))
    chance = random.Random()  # noqa: S311 - when to call is no secret
    calls: list[tuple[int, bool]] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + duration / 1000
    while loop.time() < end:
        burst = [limiter.acquire(quota) for _ in range(chance.randint(1, 5))]
        for decision in await asyncio.gather(*burst):
            assert decision is not None
            calls.append((int(decision.stamp or 0), decision.accepted))
        await asyncio.sleep(chance.random() * period / 1000 / limit)
    return calls


PROGRAMS: dict[str, Callable[..., Awaitable[object]]] = {"read": read, "take": take}


async def main(program: str, url: str, *arguments: str) -> None:
    redis = Redis(url, timeout=2.0)
    await redis.open()
    print(json.dumps(await PROGRAMS[program](redis, *map(int, arguments))))
    await redis.close()


async def run(program: str, url: str, processes: int, *arguments: int) -> list[object]:
    """What each of the processes has printed."""
    command = [sys.executable, "-m", "kernel.tests.processes", program, url, str(processes)]
    command += [str(argument) for argument in arguments]
    running = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        for _ in range(processes)
    ]
    try:
        async with asyncio.timeout(30):
            outputs = [(await process.communicate())[0] for process in running]
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return [json.loads(output) for output in outputs]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
