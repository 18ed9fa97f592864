"""The simulation agrees with what theory knows of queues."""

import math
import random
from collections.abc import Iterator

import pytest

from infra.bench.simulation import Resource, Stage, arriving, in_turn

COUNT = 60_000
BOUND = 0.06  # of the figure: three times what it differs by between seeds


def erlang_c(servers: int, load: float) -> float:
    """How likely one has to wait in M/M/c with that load in erlangs (Erlang, 1917)."""
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (2, 0.7), (4, 0.8)])
def test_waits_of_several_servers_are_those_of_erlang_s_formula(servers: int, busy: float) -> None:
    desk, service = Resource(servers), 1.0

    def make(chance: random.Random, _: int) -> Iterator[Stage]:
        yield Stage([desk], chance.expovariate(1 / service))

    rate = servers * busy / service
    outcome = arriving(make, rate, COUNT, seed=1)

    waits = erlang_c(servers, servers * busy) * service / (servers * (1 - busy))
    assert outcome.mean == pytest.approx(service + waits, rel=BOUND)
    assert outcome.rate == pytest.approx(rate, rel=BOUND)


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_waits_for_work_of_one_length_are_those_of_pollaczek_and_khinchine(busy: float) -> None:
    """M/D/1: half of what M/M/1 waits (Pollaczek 1930, Khinchine 1932)."""
    desk, service = Resource(), 1.0

    def make(_: random.Random, __: int) -> Iterator[Stage]:
        yield Stage([desk], service)

    outcome = arriving(make, busy / service, COUNT, seed=2)

    assert outcome.mean == pytest.approx(service + busy * service / (2 * (1 - busy)), rel=BOUND)


def test_clients_that_wait_for_answers_keep_little_s_law() -> None:
    """The clients are the rate times the time of each (Little, 1961)."""
    desk, core = Resource(2), Resource()

    def make(chance: random.Random, _: int) -> Iterator[Stage]:
        yield Stage([desk, core], chance.expovariate(1.0))
        yield Stage([core], 0.5)

    outcome = in_turn(make, clients=16, count=COUNT // 4, seed=3)

    assert outcome.rate * outcome.mean == pytest.approx(16, rel=0.01)
    assert outcome.rate == pytest.approx(1 / 1.5, rel=BOUND)


def test_the_same_seed_gives_the_same_figures() -> None:
    desk = Resource()

    def make(chance: random.Random, _: int) -> Iterator[Stage]:
        yield Stage([desk], chance.random())

    assert arriving(make, 1.0, 500, seed=5) == arriving(make, 1.0, 500, seed=5)
    assert arriving(make, 1.0, 500, seed=5) != arriving(make, 1.0, 500, seed=6)
