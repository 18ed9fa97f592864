"""A discrete-event simulation of queues, as small as the bench needs it.

Work goes through stages; each takes its resources in order, holds them together for a time, and
gives them back. Resources serve in the order of arrival. A request of the API holds its process and
a core at the same time, which networks of queues such as Ciw's can't say; SimPy could, and would be
a dependency in place of these few lines. The same seed gives the same figures. Times are seconds.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

WARM_UP = 0.1  # the share of the work that isn't counted, since queues begin empty


class Resource:
    """So many places; who finds none waits behind those who came before."""

    def __init__(self, places: int = 1) -> None:
        self.free = places
        self.waiting: deque[Callable[[], None]] = deque()

    def take(self, then: Callable[[], None]) -> None:
        """Go on once there is a place."""
        if self.free:
            self.free -= 1
            then()
        else:
            self.waiting.append(then)

    def give(self) -> None:
        """Let the next one have the place."""
        if self.waiting:
            self.waiting.popleft()()
        else:
            self.free += 1


@dataclass(frozen=True)
class Stage:
    """Hold these together for so long."""

    resources: Sequence[Resource]
    seconds: float


@dataclass
class Simulation:
    """The clock, and what happens when."""

    now: float = 0.0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def at(self, moment: float, then: Callable[[], None]) -> None:
        """Do that at that moment; what is due at once happens in the order of the calls."""
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, then))

    def run(self) -> None:
        """Go on until nothing is left to happen."""
        while self._events:
            self.now, _, then = heapq.heappop(self._events)
            then()

    def work(self, stages: Iterator[Stage], done: Callable[[], None]) -> None:
        """Go through the stages, one after another."""
        stage = next(stages, None)
        if stage is None:
            done()
            return

        def held() -> None:
            self.at(self.now + stage.seconds, ended)

        def ended() -> None:
            for resource in stage.resources:
                resource.give()
            self.work(stages, done)

        self._take(stage.resources, held)

    def _take(self, resources: Sequence[Resource], then: Callable[[], None]) -> None:
        if not resources:
            then()
            return
        first, *others = resources
        first.take(lambda: self._take(others, then))


# The stages of a piece of work: of the client, or the arrival, of that number.
Make = Callable[[random.Random, int], Iterator[Stage]]


@dataclass(frozen=True)
class Outcome:
    """What the work took, from its arrival to its end."""

    seconds: Sequence[float]
    elapsed: float

    @property
    def rate(self) -> float:
        """Ended a second."""
        return len(self.seconds) / self.elapsed

    @property
    def mean(self) -> float:
        """Seconds."""
        return sum(self.seconds) / len(self.seconds)

    def quantile(self, share: float) -> float:
        """Seconds that this share of the work takes at most."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def arriving(make: Make, rate: float, count: int, seed: int) -> Outcome:
    """So many pieces of work that arrive by chance (a Poisson process), `rate` a second."""
    simulation, chance = Simulation(), random.Random(seed)  # noqa: S311 - no secret
    took: list[float] = []
    ends: list[float] = []

    def arrive(number: int) -> None:
        began = simulation.now

        def done() -> None:
            if number >= count * WARM_UP:
                took.append(simulation.now - began)
                ends.append(simulation.now)

        simulation.work(make(chance, number), done)
        if number + 1 < count:
            next_one = simulation.now + chance.expovariate(rate)
            simulation.at(next_one, lambda: arrive(number + 1))

    simulation.at(0.0, lambda: arrive(0))
    simulation.run()
    return Outcome(took, ends[-1] - ends[0])


def in_turn(make: Make, clients: int, count: int, seed: int) -> Outcome:
    """So many clients that ask again once they are answered, as a load generator's do."""
    simulation, chance = Simulation(), random.Random(seed)  # noqa: S311 - no secret
    took: list[float] = []
    ends: list[float] = []
    begun = 0

    def ask(client: int) -> None:
        nonlocal begun
        if begun == count:
            return
        begun += 1
        number, began = begun, simulation.now

        def done() -> None:
            if number >= count * WARM_UP:
                took.append(simulation.now - began)
                ends.append(simulation.now)
            ask(client)

        simulation.work(make(chance, client), done)

    for client in range(clients):
        simulation.at(0.0, partial(ask, client))
    simulation.run()
    return Outcome(took, ends[-1] - ends[0])
