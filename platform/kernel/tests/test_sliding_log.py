"""The limiter's algorithm: never over the limit in any stretch, never refused below it."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from kernel.rate_limit.fallback import InMemoryFallback
from kernel.rate_limit.rules import Decision, Quota, Rule
from kernel.rate_limit.sliding_log import ACQUIRE
from kernel.redis.connection import Script

UNIT = 10_000_000  # microseconds; long enough that no key runs out during a test
# The script itself, with a clock that the test sets.
SET_CLOCK = Script(
    ACQUIRE.source.replace("redis.call('TIME')", "redis.call('LRANGE', 'clock', 0, 1)")
)
numbers = itertools.count()

limits = st.integers(1, 5)
periods = st.integers(1, 4)
# Also one microsecond beside what matters.
gaps = st.builds(
    lambda units, off: max(0, units * UNIT + off), st.integers(0, 3), st.sampled_from([-1, 0, 1])
)


class Log:
    """Takes calls by the script, at moments that the test chooses."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._name = f"log{next(numbers)}:"

    def acquire(self, now: int, *quotas: tuple[str, int, int]) -> tuple[bool, int, int]:
        """Whether the call was accepted, what is used, and the microseconds of `reset`."""
        keys = [self._name + key for key, _, _ in quotas]
        figures = [figure for _, limit, period in quotas for figure in (limit, period)]
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete("clock")
        pipe.rpush("clock", now // 1_000_000, now % 1_000_000)
        pipe.eval(SET_CLOCK.source, len(keys), *keys, len(keys), "", *figures)
        accepted, _, _, used, reset, _, _ = pipe.execute()[-1]
        return accepted == 1, used, int(reset)

    def length(self, key: str) -> int:
        return int(self._redis.llen(self._name + key))


@pytest.fixture(scope="module")
def server(redis_url: str) -> Iterator[Any]:
    assert SET_CLOCK.source != ACQUIRE.source
    with Redis.from_url(redis_url) as client:
        yield client


def in_window(stamps: list[int], now: int, period: int) -> int:
    return sum(now - period <= stamp <= now for stamp in stamps)


@settings(max_examples=150, deadline=None)
@given(limit=limits, period=periods, gaps=st.lists(gaps, max_size=25))
def test_a_call_is_accepted_exactly_when_the_window_has_room(
    server: Any, limit: int, period: int, gaps: list[int]
) -> None:
    log, now, stamps, length = Log(server), 10**15, list[int](), period * UNIT
    for gap in gaps:
        now += gap
        before = in_window(stamps, now, length)
        accepted, used, reset = log.acquire(now, ("a", limit, length))

        assert accepted == (before < limit)
        assert used == before + accepted
        if accepted:
            stamps.append(now)
        else:
            # One microsecond earlier a call would be refused, then it is accepted.
            assert in_window(stamps, now + reset - 1, length) >= limit
            assert in_window(stamps, now + reset, length) < limit
        assert log.length("a") <= limit
    late = zip(stamps, stamps[limit:], strict=False)
    assert all(newer - older > length for older, newer in late)


@settings(max_examples=150, deadline=None)
@given(period=periods, calls=st.lists(st.tuples(gaps, limits), max_size=25))
def test_a_changed_limit_keeps_what_was_used(
    server: Any, period: int, calls: list[tuple[int, int]]
) -> None:
    log, now, stamps, length = Log(server), 10**15, list[int](), period * UNIT
    for gap, limit in calls:
        now += gap
        accepted, _, _ = log.acquire(now, ("a", limit, length))

        assert accepted == (in_window(stamps, now, length) < limit)
        stamps += [now] * accepted


@settings(max_examples=100, deadline=None)
@given(calls=st.lists(st.tuples(gaps, limits, periods), max_size=25))
def test_no_call_is_refused_below_the_limit_after_any_change_of_rules(
    server: Any, calls: list[tuple[int, int, int]]
) -> None:
    log, now, stamps = Log(server), 10**15, list[int]()
    for gap, limit, period in calls:
        now += gap
        accepted, _, _ = log.acquire(now, ("a", limit, period * UNIT))

        assert accepted or in_window(stamps, now, period * UNIT) >= limit
        stamps += [now] * accepted


quotas = st.lists(
    st.tuples(st.sampled_from("abc"), limits, periods),
    min_size=1,
    max_size=3,
    unique_by=lambda b: b[0],
)


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(st.tuples(gaps, quotas), max_size=20), data=st.data())
def test_of_several_quotas_each_must_have_room_and_a_refusal_costs_none(
    server: Any, calls: list[tuple[int, list[tuple[str, int, int]]]], data: Any
) -> None:
    log, now = Log(server), 10**15
    stamps: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    rules: dict[str, tuple[int, int]] = {}
    for gap, chosen in calls:
        now += gap
        taken = [
            (key, *rules.setdefault(key, (limit, period * UNIT))) for key, limit, period in chosen
        ]
        accepted, used, reset = log.acquire(now, *taken)

        room = {key: limit - in_window(stamps[key], now, period) for key, limit, period in taken}
        assert accepted == all(left > 0 for left in room.values())
        if accepted:
            for key, _, _ in taken:
                stamps[key].append(now)
            assert used in [in_window(stamps[key], now, period) for key, _, period in taken]
        else:
            later = now + reset
            assert all(in_window(stamps[k], later, period) < limit for k, limit, period in taken)


@settings(max_examples=150, deadline=None)
@given(
    limit=limits,
    period=periods,
    calls=st.lists(st.tuples(gaps, st.sampled_from([0, 0, 0, 1, UNIT, 50 * UNIT])), max_size=25),
)
def test_a_clock_that_is_set_back_lets_no_call_over_the_limit(
    server: Any, limit: int, period: int, calls: list[tuple[int, int]]
) -> None:
    log, length = Log(server), period * UNIT
    true, back, stamps = 10**15, 0, list[int]()
    for gap, jump in calls:
        true, back = true + gap, back + jump
        accepted, _, reset = log.acquire(true - back, ("a", limit, length))

        if accepted:
            assert in_window(stamps, true, length) < limit
            stamps.append(true)
        else:
            assert reset <= length + 1  # no call waits for the clock to catch up


def test_the_log_of_a_large_limit_is_moved_and_trimmed_whole(server: Any) -> None:
    log, now = Log(server), 10**15
    for number in range(2500):
        assert log.acquire(now + number, ("a", 2500, UNIT))[0]
    assert not log.acquire(now + 2500, ("a", 2500, UNIT))[0]

    assert not log.acquire(now - 3600 * 10**6, ("a", 2500, UNIT))[0]
    assert log.length("a") == 2500
    assert log.acquire(now - 3600 * 10**6 + UNIT + 3000, ("a", 2500, UNIT))[0]


def test_memory_is_bounded_by_the_limit_and_given_back_after_the_period(
    server: Any,
) -> None:
    key, begun = f"log{next(numbers)}", time.monotonic()
    for _ in range(3000):
        server.eval(ACQUIRE.source, 1, key, 1, "", 1000, 60_000_000)

    assert server.llen(key) == 1000
    assert server.memory_usage(key) < 16 * 1000
    left = server.pttl(key)
    assert 60_000 - (time.monotonic() - begun) * 1000 - 1 <= left <= 60_001


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(st.tuples(st.integers(0, 3), quotas), max_size=30))
def test_the_in_memory_fallback_decides_as_the_script_does(
    server: Any, calls: list[tuple[int, list[tuple[str, int, int]]]]
) -> None:
    log, now = Log(server), 10**9
    fallback = InMemoryFallback(clock=lambda: now)
    for gap, chosen in calls:
        now += gap
        rules = [Quota(key, Rule(limit, period)) for key, limit, period in chosen]
        mine: Decision = fallback.acquire(tuple(rules))
        accepted, used, reset = log.acquire(
            now * UNIT, *[(key, limit, period * UNIT) for key, limit, period in chosen]
        )

        assert mine.accepted == accepted
        assert round(mine.reset * UNIT) in (reset, reset - 1)
        if accepted:
            assert mine.remaining == mine.rule.limit - used


def test_the_in_memory_fallback_is_bounded() -> None:
    fallback = InMemoryFallback(max_stamps=100)
    for number in range(1000):
        fallback.acquire((Quota(f"address{number}", Rule(3, 60)),))
    for _ in range(200):
        fallback.acquire((Quota("one", Rule(150, 60)),))

    assert sum(map(len, fallback._logs.values())) <= 100
    assert fallback._stamps == sum(map(len, fallback._logs.values()))


@pytest.mark.parametrize("rule", [(0, 1), (-1, 1), (1, 0)])
def test_a_rule_that_means_nothing_is_refused(rule: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="limit of at least 1 and a period above 0"):
        Rule(*rule)
