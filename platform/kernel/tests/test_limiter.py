"""The limiter on a real Redis: over processes, given back, cleared, and without Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.valkey import start_valkey
from infra.local.worker_servers import Redis as ServerOfTests
from kernel.errors import ServiceUnavailableException
from kernel.rate_limit.limiter import Limiter
from kernel.rate_limit.rules import Decision, Quota, Rule
from kernel.redis.client import Redis
from kernel.tests import processes
from kernel.tests.fault_proxy import FaultProxy, proxy_to


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    async with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
async def redis(proxy: FaultProxy) -> AsyncIterator[Redis]:
    client = Redis(proxy.url, timeout=0.1)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
def limiter(redis: Redis) -> Limiter:
    return Limiter(redis)


async def take(limiter: Limiter, *quotas: Quota) -> Decision:
    decision = await limiter.acquire(*quotas)
    assert decision is not None
    return decision


def quota(key: str = "a", limit: int = 3, period: float = 60) -> Quota:
    return Quota(key, Rule(limit, period))


async def test_a_full_redis_refuses_guesses_and_lets_this_process_count_budgets(
    tmp_path: Path,
) -> None:
    server = start_valkey(tmp_path, durable=False)
    client = Redis(server.url, timeout=1)
    await client.open()
    try:
        limiter = Limiter(client)
        await take(limiter, quota("guesses"))
        await client.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await client.execute("CONFIG", "SET", "maxmemory", "1")

        with pytest.raises(ServiceUnavailableException):
            await limiter.acquire(quota("guesses"), strict=True)
        budgets = [(await take(limiter, quota("budget"))).accepted for _ in range(4)]

        assert budgets == [True, True, True, False]
        assert await client.execute("LLEN", "r:guesses") == 1
    finally:
        await client.close()
        server.stop()


QUOTAS = [(1, 20), (3, 50), (40, 300)]


@pytest.fixture(scope="module")
async def taken(_redis: ServerOfTests) -> list[Any]:
    """What two processes got of each quota, in the order of QUOTAS."""
    _redis.clear()  # they meet there
    numbers = [number for one in QUOTAS for number in one]
    results: list[Any] = await processes.run("take", _redis.url, 2, 1200, *numbers)
    return [[call for result in results for call in result[at]] for at in range(len(QUOTAS))]


@pytest.mark.parametrize(("limit", "period"), QUOTAS)
def test_several_processes_share_one_quota_exactly(
    taken: list[Any], limit: int, period: int
) -> None:
    calls = sorted(tuple(call) for call in taken[QUOTAS.index((limit, period))])
    accepted = [stamp for stamp, was_accepted in calls if was_accepted]
    refused = [stamp for stamp, was_accepted in calls if not was_accepted]
    length = period * 1000
    over = [b - a for a, b in zip(accepted, accepted[limit:], strict=False) if b - a <= length]
    below = [
        stamp
        for stamp in refused
        if sum(stamp - length <= other <= stamp for other in accepted) < limit
    ]
    assert len(accepted) > limit
    assert refused
    assert (over, below) == ([], [])


async def test_two_hundred_calls_at_once_get_the_limit(limiter: Limiter) -> None:
    decisions = await asyncio.gather(*[take(limiter, quota(limit=17)) for _ in range(200)])

    assert sum(decision.accepted for decision in decisions) == 17
    accepted = sorted(decision.remaining for decision in decisions if decision.accepted)
    assert accepted == list(range(17))


async def test_a_call_that_did_not_count_is_given_back(limiter: Limiter) -> None:
    both = quota("a"), quota("b", limit=1)
    first = await take(limiter, *both)
    assert not (await take(limiter, *both)).accepted

    await limiter.refund(first, "b")

    assert (await take(limiter, *both)).accepted
    assert (await take(limiter, quota("a"))).remaining == 0


async def test_a_cleared_quota_is_whole_again(limiter: Limiter) -> None:
    for _ in range(3):
        await take(limiter, quota())
    await limiter.clear("a")

    assert (await take(limiter, quota())).remaining == 2


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> "Told":
    return Told(capsys)


class Told:
    """How often the log says something, since the last time that one looked."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def count(self, words: str) -> int:
        return "".join(self._capsys.readouterr()).count(words)


async def test_without_redis_the_in_memory_fallback_keeps_the_rule_and_logs_once(
    limiter: Limiter, proxy: FaultProxy, told: Told
) -> None:
    await proxy.unplug()
    decisions = [await take(limiter, quota()) for _ in range(5)]

    assert [decision.accepted for decision in decisions] == [True] * 3 + [False] * 2
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0, 0]
    assert all(0 < decision.reset <= 60 for decision in decisions)
    assert told.count("limits are kept in this process") == 1

    await limiter.refund(decisions[0], "a")
    assert (await take(limiter, quota())).accepted
    await limiter.clear("a")
    assert (await take(limiter, quota())).remaining == 2
    assert told.count("limits are kept in this process") == 0


async def test_when_redis_is_back_it_decides_again(
    limiter: Limiter, redis: Redis, proxy: FaultProxy
) -> None:
    await take(limiter, quota())
    proxy.stall()
    assert (await take(limiter, quota())).stamp is None
    proxy.flow()
    async with asyncio.timeout(30):
        while not redis.available:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)

    decision = await take(limiter, quota())

    assert decision.stamp is not None
    assert decision.remaining <= 1


async def test_a_limiter_that_is_turned_off_keeps_limits_in_its_process(told: Told) -> None:
    limiter = Limiter(None)
    decisions = [await take(limiter, quota()) for _ in range(4)]

    assert [decision.accepted for decision in decisions] == [True] * 3 + [False]
    await limiter.clear("a")
    assert told.count("limits are kept") == 0  # it was asked for


async def test_a_flushed_redis_forgets_what_was_used_and_goes_on(
    limiter: Limiter, redis: Redis
) -> None:
    for _ in range(4):
        await take(limiter, quota())
    await redis.execute("FLUSHALL")

    decisions = [await take(limiter, quota()) for _ in range(4)]

    assert [decision.accepted for decision in decisions] == [True] * 3 + [False]
