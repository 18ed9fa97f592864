"""The Redis client: answers go to who asked, and trouble costs one time-out and no restart."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import hiredis
import pytest

from kernel.redis import dial
from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable, Script
from kernel.tests.fault_proxy import FaultProxy, cut_and_back, is_unavailable, proxy_to, until

TIMEOUT = 0.2


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    async with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
async def redis(proxy: FaultProxy) -> AsyncIterator[Redis]:
    client = Redis(proxy.url, TIMEOUT, "test")
    await client.open()
    yield client
    await client.close()


async def test_each_of_many_callers_gets_its_own_answer(redis: Redis) -> None:
    echoes = await asyncio.gather(*[redis.execute("ECHO", f"n{n}") for n in range(2000)])

    assert echoes == [f"n{n}".encode() for n in range(2000)]


async def test_a_caller_that_timed_out_shifts_no_other_answer(redis: Redis) -> None:
    async def ask(number: int) -> Any:
        return await redis.execute("ECHO", str(number))

    callers = [asyncio.create_task(ask(number)) for number in range(100)]
    await asyncio.sleep(0)
    for caller in callers[::3]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)

    kept = [answer for answer in answers if not isinstance(answer, asyncio.CancelledError)]
    assert kept == [str(n).encode() for n in range(100) if n % 3]
    assert await redis.execute("ECHO", "next") == b"next"


async def test_a_silent_server_costs_one_time_out_and_nothing_after_it(
    redis: Redis, proxy: FaultProxy
) -> None:
    proxy.stall()
    started = time.perf_counter()
    answers = await asyncio.gather(
        *[redis.execute("ECHO", str(n)) for n in range(500)], return_exceptions=True
    )
    waited = time.perf_counter() - started

    assert all(isinstance(answer, RedisUnavailable) for answer in answers)
    assert TIMEOUT <= waited < 50 * TIMEOUT  # not one for each of them
    started = time.perf_counter()
    for _ in range(1000):
        assert await is_unavailable(redis)
    assert time.perf_counter() - started < 50 * TIMEOUT


async def test_a_hiccup_keeps_the_connection_and_the_order_of_answers(
    redis: Redis, proxy: FaultProxy
) -> None:
    proxy.stall()
    await asyncio.gather(*[is_unavailable(redis) for _ in range(50)])
    proxy.flow()
    await until(lambda: redis.available)

    assert proxy.connections == 1
    assert await redis.execute("ECHO", "mine") == b"mine"


async def test_a_server_that_is_silent_for_long_gets_a_new_connection(
    redis: Redis, proxy: FaultProxy
) -> None:
    proxy.stall()
    assert await is_unavailable(redis)
    await asyncio.sleep(1.1)
    proxy.flow()
    await until(lambda: redis.available)

    assert proxy.connections > 1
    assert await redis.execute("ECHO", "mine") == b"mine"


async def test_a_lost_connection_fails_who_waits_and_comes_back_by_itself(
    redis: Redis, proxy: FaultProxy
) -> None:
    proxy.stall()
    waiting = asyncio.create_task(redis.execute("ECHO", "lost"))
    await asyncio.sleep(0.01)
    proxy.cut()
    proxy.flow()

    with pytest.raises(RedisUnavailable):
        await waiting
    await until(lambda: redis.available)
    assert await redis.execute("ECHO", "back") == b"back"


async def test_a_server_that_comes_up_later_is_taken_up(redis_url: str) -> None:
    async with proxy_to(redis_url) as proxy:
        await proxy.unplug()
        redis = Redis(proxy.url, TIMEOUT)
        await redis.open()

        assert await is_unavailable(redis)
        await proxy.plug()
        await until(lambda: redis.available)
        assert await redis.execute("PING") == b"PONG"
        await redis.close()


async def test_a_connection_that_is_lost_while_greeting_is_tried_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "CONNECT_TIMEOUT", 60.0)
    async with proxy_to(redis_url) as proxy:
        redis = Redis(proxy.url, TIMEOUT)
        proxy.stall()
        opening = asyncio.create_task(redis.open())
        await asyncio.sleep(0.05)
        proxy.cut()
        started = time.perf_counter()
        await opening
        assert time.perf_counter() - started < 30  # it was told, and waited for no time-out

        proxy.flow()
        await until(lambda: redis.available)
        await redis.close()


async def test_hooks_run_before_any_call_gets_through(redis: Redis, proxy: FaultProxy) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    seen: list[bool] = []

    async def hook(connection: Any, fresh: bool) -> None:
        assert await connection.execute("PING") == b"PONG"
        seen.append(fresh)
        begun.set()
        await may_end.wait()

    redis.on_connect(hook)
    proxy.cut()
    await begun.wait()
    assert await is_unavailable(redis)
    may_end.set()
    await until(lambda: redis.available)
    proxy.stall()
    assert await is_unavailable(redis)
    proxy.flow()
    await until(lambda: redis.available)

    assert seen == [True, False]


async def test_a_hook_that_fails_gets_another_connection(redis: Redis, proxy: FaultProxy) -> None:
    failures = [ValueError("a mistake"), RedisUnavailable("away again")]

    async def hook(connection: Any, fresh: bool) -> None:
        if failures:
            raise failures.pop()

    redis.on_connect(hook)
    proxy.cut()
    await until(lambda: proxy.connections == 4 and redis.available)


async def test_closing_ends_a_recovery_and_every_wait(redis_url: str) -> None:
    async with proxy_to(redis_url) as proxy:
        redis = Redis(proxy.url, TIMEOUT)
        await redis.open()
        proxy.stall()
        waiting = asyncio.create_task(redis.execute("PING"))
        await asyncio.sleep(0.01)
        proxy.cut()
        await asyncio.sleep(0.05)  # it greets a server that is silent
        await redis.close()

        with pytest.raises(RedisUnavailable):
            await waiting
        assert await is_unavailable(redis)
        connections = proxy.connections
        await asyncio.sleep(0.3)
        assert proxy.connections == connections


async def test_a_wrong_command_fails_its_caller_only_and_is_logged_once_a_minute(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        with pytest.raises(hiredis.ReplyError, match="unknown command"):
            await redis.execute("NONSENSE")
        with pytest.raises(hiredis.ReplyError, match="boom"):
            await redis.run(Script("return redis.error_reply('ERR boom')"), [])

    assert redis.available
    told = "".join(capsys.readouterr())
    assert told.count("redis refused a command") == 1
    assert "redis away" not in told


async def test_a_server_that_refuses_work_is_as_good_as_away(redis: Redis) -> None:
    limit = (await redis.execute("CONFIG", "GET", "maxmemory"))[1]
    await redis.execute("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(RedisUnavailable, match="OOM"):
            await redis.execute("SET", "some", "thing")
        with pytest.raises(RedisUnavailable, match="OOM"):
            await redis.run(Script("return redis.call('SET', 'some', 'thing')"), [])
        assert await redis.execute("DEL", "some") == 0
    finally:
        await redis.execute("CONFIG", "SET", "maxmemory", limit)


async def test_a_script_is_sent_whole_only_once(redis: Redis) -> None:
    await redis.execute("SCRIPT", "FLUSH")
    script = Script("return {KEYS[1], ARGV[1]}")
    for _ in range(3):
        assert await redis.run(script, ["key"], "argument") == [b"key", b"argument"]

    stats = (await redis.execute("INFO", "commandstats")).decode()
    assert "cmdstat_evalsha:" in stats
    assert await redis.execute("SCRIPT", "EXISTS", script.sha) == [1]


async def test_what_is_no_text_can_be_part_of_a_key(redis: Redis) -> None:
    await redis.execute("SET", "login:\ud800", b"\xff\x00")

    assert await redis.execute("GET", "login:\ud800") == b"\xff\x00"


async def test_many_waiting_calls_take_little_memory(redis: Redis, proxy: FaultProxy) -> None:
    proxy.stall()
    calls = [asyncio.ensure_future(redis.execute("GET", f"key{n}")) for n in range(5_000)]
    await asyncio.wait(calls)

    assert all(isinstance(call.exception(), RedisUnavailable) for call in calls)
    proxy.flow()
    await until(lambda: redis.available)
    assert redis._connection is not None
    assert not redis._connection._waiting


async def test_trouble_is_logged_once_a_minute(
    redis: Redis, proxy: FaultProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        await cut_and_back(proxy, redis)
    told = "".join(capsys.readouterr())

    assert told.count("redis away") == 1
    assert "redis=test" in told
