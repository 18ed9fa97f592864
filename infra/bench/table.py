"""The outcome, as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from infra.bench.cases import Case
from infra.bench.measure import Figures, ratio, ratios

HEAD = (
    "| route | server | requests/s | p50 ms | p99 ms | CPU us | SQL | Redis | to floor | target |",
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
)


@dataclass(frozen=True)
class Outcome:
    """One case, measured."""

    case: Case
    figures: dict[str, Figures]

    @property
    def ratio(self) -> float:
        """CPU per request of ours, in multiples of the floor's."""
        return ratio(self.figures["ours"], self.figures["floor"])


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The table of docs/performance.md."""
    lines = list(HEAD)
    for outcome in outcomes:
        for name, figures in outcome.figures.items():
            row = figures.row()
            compared = f"{outcome.ratio:.2f} | {outcome.case.target}" if name == "ours" else " | "
            lines.append(
                f"| {outcome.case.name} | {name} | {row['requests_per_second']} | {row['p50_ms']} "
                f"| {row['p99_ms']} | {row['cpu_us']} | {row['sql']:g} | {row['redis']:g} "
                f"| {compared} |"
            )
    return "\n".join(lines)


def compared(outcomes: Sequence[Outcome]) -> str:
    """CPU of each server of ours; and its ratio to ours in the same round: median, lowest..highest.

    `again` is ours a second time: what it differs by is noise.
    """
    names = [name for name in outcomes[0].figures if name != "floor"]
    lines = [
        f"| route | {' | '.join(f'{name} us' for name in names)} |",
        "|---|" + "--:|" * len(names),
    ]
    for outcome in outcomes:
        figures, ours = outcome.figures, outcome.figures["ours"]
        cells = [f"{median(ours.cpus):.1f}"]
        for name in names[1:]:
            found = ratios(figures[name], ours)
            spread = f"{median(found):.2f} ({found[0]:.2f}..{found[-1]:.2f})"
            cells.append(f"{median(figures[name].cpus):.1f}: {spread}")
        lines.append(f"| {outcome.case.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(outcomes: Sequence[Outcome], processes: int = 1) -> dict[str, Any]:
    """Everything, by case and server."""
    return {
        "machine": machine(),
        "processes": processes,
        "cases": {
            outcome.case.name: {
                "target": outcome.case.target,
                "ratio": round(outcome.ratio, 3) if "ours" in outcome.figures else None,
                **{name: figures.row() for name, figures in outcome.figures.items()},
            }
            for outcome in outcomes
        },
    }


def machine() -> str:
    """What the figures were taken on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} x {model}, {system}, CPython {platform.python_version()}"
