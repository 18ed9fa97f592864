"""Rounds: ours and the floor in turn under the same load, and what each spent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from infra.bench.cases import Case
from infra.bench.load import Load, run
from infra.bench.process import Server, machine_cpu

WARM_UP_SECONDS = 1.0


@dataclass
class Figures:
    """One server on one case; medians over the rounds."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    machine: list[float] = field(default_factory=list)
    failed: int = 0
    statements: float = 0
    commands: float = 0

    def add(self, load: Load, cpu_seconds: float, machine_seconds: float) -> None:
        """One round's outcome: CPU of the server, and of all that runs on the machine."""
        self.rates.append(load.rate)
        self.p50s.append(load.p50)
        self.p99s.append(load.p99)
        self.cpus.append(cpu_seconds * 1e6 / load.answered)
        self.machine.append(machine_seconds * 1e6 / load.answered)
        self.failed += load.failed

    def row(self) -> dict[str, float]:
        """Requests per second, milliseconds, microseconds of CPU per request, counts."""
        return {
            "requests_per_second": round(median(self.rates)),
            "p50_ms": round(median(self.p50s), 2),
            "p99_ms": round(median(self.p99s), 2),
            "cpu_us": round(median(self.cpus), 1),
            "machine_us": round(median(self.machine), 1),
            "sql": round(self.statements, 2),
            "redis": round(self.commands, 2),
            "failed": self.failed,
        }


def rounds(case: Case, servers: Sequence[Server], count: int, seconds: float) -> dict[str, Figures]:
    """Load each server in turn, `count` times, after a warm-up of each."""
    figures = {server.name: Figures() for server in servers}
    for server in servers:
        run(server.url, case, WARM_UP_SECONDS, server.token)
    for _ in range(count):
        for server in servers:
            before, machine = server.cpu(), machine_cpu()
            load = run(server.url, case, seconds, server.token)
            figures[server.name].add(load, server.cpu() - before, machine_cpu() - machine)
    return figures


def ratios(ours: Figures, other: Figures) -> list[float]:
    """The ratio of CPU per request in each round, the lowest first."""
    return sorted(a / b for a, b in zip(ours.cpus, other.cpus, strict=True))


def ratio(ours: Figures, floor: Figures) -> float:
    """The median of the rounds' ratios of CPU per request."""
    return median(ratios(ours, floor))
