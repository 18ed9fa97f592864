"""What more load would make of the measured costs, by a simulation of the queues:
`hatch run python -m infra.bench.predicted` writes it into the capacity page.

Every time is drawn from an exponential distribution around its measured mean: the widest of the
usual assumptions, and a little wider than what is measured.
"""

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.bench.capacity import FULL, MIX, PAGE, last_table, measured, mixed
from infra.bench.load import CONNECTIONS
from infra.bench.simulation import Outcome, Resource, Stage, arriving, in_turn
from infra.checks import ROOT

UPDATE = "hatch run python -m infra.bench.predicted"
VALUES = ROOT / "infra" / "helm" / "values.yaml"
LOAD = 50.0  # requests of the mix a second that the capacity page calls 1x
TIMES = (1, 10, 100, 1000)
LOGINS = 0.001  # of all requests
LOGIN = 0.24  # seconds of a core, in a thread beside the event loop (PASSWORD_HASH_COST=12)
HASHING = 1  # such threads of a pod: half of its two cores (features/auth/password_queue.py)
STORE_CORES = 4  # of PostgreSQL and the Valkeys, which have machines of their own
# Microseconds of a request there, assumed: --json has what is spent beside the API (machine_us less
# cpu_us), with what else the machine does.
STORES_US = 60.0
COUNT = 15_000  # requests of each simulation
SEED = 20261129
NEVER = "the queue only grows"
CLUSTER_HEAD = (
    "| load | requests/s | API replicas | event loop busy | p50 ms | p99 ms "
    "| hashing busy | login p50 s | login p99 s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
)
MACHINE_HEAD = (
    "| route | processes | requests/s | simulated | p50 ms | simulated | p99 ms | simulated |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|\n"
)


@dataclass(frozen=True)
class Replicas:
    """How many pods the chart has at least and at most."""

    least: int
    most: int

    @classmethod
    def of_chart(cls) -> "Replicas":
        """Those of the chart's values."""
        scaling = yaml.safe_load(VALUES.read_text())["api"]["autoscaling"]
        return cls(scaling["minReplicas"], scaling["maxReplicas"])

    def at(self, rate: float, costs: Mapping[str, float]) -> int:
        """As the autoscaler would have it: so many that each uses 60 % of a core."""
        return min(self.most, max(self.least, math.ceil(demand(rate, costs) / FULL)))


def demand(rate: float, costs: Mapping[str, float]) -> float:
    """Cores of the API for so many requests of the mix a second, logins among them."""
    return rate * ((1 - LOGINS) * _mean(costs) + LOGINS * LOGIN)


def cluster(rate: float, replicas: int, costs: Mapping[str, float], count: int = COUNT) -> Outcome:
    """Requests of the mix but logins, which arrive by chance, each at a pod by chance."""
    pods = [Resource() for _ in range(replicas)]
    stores, routes, shares = Resource(STORE_CORES), [*MIX], [*MIX.values()]

    def make(chance: random.Random, _: int) -> Iterator[Stage]:
        [route] = chance.choices(routes, shares)
        yield Stage([chance.choice(pods)], chance.expovariate(1e6 / costs[route]))
        yield Stage([stores], chance.expovariate(1e6 / STORES_US))

    return arriving(make, rate * (1 - LOGINS), count, SEED)


def logins(rate: float, replicas: int, count: int = COUNT // 3) -> Outcome:
    """Those among so many requests: hashes take the same time each, in threads of their pod."""
    pods = [Resource(HASHING) for _ in range(replicas)]

    def make(chance: random.Random, _: int) -> Iterator[Stage]:
        yield Stage([chance.choice(pods)], LOGIN)

    return arriving(make, rate * LOGINS, count, SEED)


def machine(
    processes: int, cores: int, api_us: float, others_us: float, count: int = COUNT
) -> Outcome:
    """The bench's own set-up: clients that ask in turn, and all on a few cores."""
    running, shared = [Resource() for _ in range(processes)], Resource(cores)

    def make(chance: random.Random, client: int) -> Iterator[Stage]:
        # A connection stays with the process that has accepted it.
        yield Stage([running[client % processes], shared], chance.expovariate(1e6 / api_us))
        yield Stage([shared], chance.expovariate(1e6 / others_us))

    return in_turn(make, CONNECTIONS, count, SEED)


def cluster_table(costs: Mapping[str, float], replicas: Replicas) -> str:
    """A line for each load, with the chart's replicas; and at 100x without an autoscaler."""
    rows = [(f"{times:,}x", LOAD * times, replicas.at(LOAD * times, costs)) for times in TIMES]
    rows.insert(3, ("100x, not scaled", LOAD * 100, replicas.least))
    return CLUSTER_HEAD + "".join(_cluster_line(*row, costs) for row in rows)


def _cluster_line(name: str, rate: float, count: int, costs: Mapping[str, float]) -> str:
    busy = rate * (1 - LOGINS) * _mean(costs) / count
    hashing = rate * LOGINS * LOGIN / count / HASHING
    served = _quantiles(cluster(rate, count, costs), 1e3) if busy < 1 else f"{NEVER} | "
    logged_in = _quantiles(logins(rate, count), 1) if hashing < 1 else f"{NEVER} | "
    line = f"| {name} | {rate:,.0f} | {count} | {busy:.0%} | {served} "
    return line + f"| {hashing:.0%} | {logged_in} |\n"


def _quantiles(outcome: Outcome, unit: float) -> str:
    return " | ".join(f"{outcome.quantile(share) * unit:.2f}" for share in (0.5, 0.99))


def _mean(costs: Mapping[str, float]) -> float:
    """Seconds of the event loop for a request of the mix."""
    return mixed(costs) / 1e6


def table_of_one() -> str:
    """The last measured table, of one process, beside the simulation of it."""
    lines = []
    for route, (rate, p50, p99, cpu) in last_table().items():
        figures = {"requests_per_second": rate, "p50_ms": p50, "p99_ms": p99, "cpu_us": cpu}
        if route in MIX:
            lines.append(_machine_line(route, 1, 2, {**figures, "machine_us": cpu + STORES_US}))
    return MACHINE_HEAD + "".join(lines)


def machine_table(files: Sequence[Path]) -> str:
    """What the bench has measured, beside the simulation of it."""
    lines = []
    for kept in map(_read, files):
        cores = int(kept["machine"].partition(" ")[0])
        for route, case in kept["cases"].items():
            lines.append(_machine_line(route, kept["processes"], cores, case["ours"]))
    return MACHINE_HEAD + "".join(sorted(lines))


def _machine_line(route: str, processes: int, cores: int, found: Mapping[str, float]) -> str:
    others = max(1.0, found["machine_us"] - found["cpu_us"])
    outcome = machine(processes, cores, found["cpu_us"], others)
    p50, p99 = _quantiles(outcome, 1e3).split(" | ")
    return (
        f"| {route} | {processes} | {found['requests_per_second']:,.0f} | {outcome.rate:,.0f} "
        f"| {found['p50_ms']} | {p50} | {found['p99_ms']} | {p99} |\n"
    )


def _read(file: Path) -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(file.read_bytes())
    return kept


def written(text: str) -> str:
    """The capacity page with the simulated tables as they should be."""
    text = _with(text, CLUSTER_HEAD, cluster_table(measured(), Replicas.of_chart()))
    return _with(text, MACHINE_HEAD, table_of_one())


def _with(text: str, head: str, table: str) -> str:
    """The text with the first table of that head as it should be."""
    return re.sub(re.escape(head) + r"(?:\|.*\n)*", lambda _: table, text, count=1)


def report(files: Sequence[Path]) -> str:
    """All tables; the last one of these files, which `--json` has written."""
    text = f"Simulated from the last measured table, seed {SEED}:\n\n"
    text += f"{cluster_table(measured(), Replicas.of_chart())}\n{table_of_one()}"
    return text + (f"\n{machine_table(files)}" if files else "")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
