"""Several processes of the API on one machine: what the bench measured, beside the simulation.

`hatch run python -m infra.bench.several two.json four.json` writes what `--json` has kept into the
capacity page.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from infra.bench.capacity import MIX, PAGE, last_table, mixed
from infra.bench.predicted import STORES_US, machine

HEAD = "| processes | requests a second | simulated | CPU per request, us |\n|--:|--:|--:|--:|\n"
UPDATE = "hatch run python -m infra.bench.several"
COUNTS, CORES = (1, 2, 4), 2  # of the page's machine
UNKNOWN = "not measured"
ROW = re.compile(r"\| (\d+) \|.*\n")


def written(text: str, files: Sequence[Path] = ()) -> str:
    """The page with a row for each of these files, and for one process from the last table.

    Other rows that were measured stay as they are.
    """
    rows = {processes: _row(processes) for processes in COUNTS}
    [table] = re.findall(re.escape(HEAD) + r"((?:\|.*\n)*)", text)
    rows |= {int(found[1]): found[0] for found in ROW.finditer(table) if UNKNOWN not in found[0]}
    rows[1] = _row(1, {route: (rate, cpu) for route, (rate, _, _, cpu) in last_table().items()})
    for file in files:
        kept: dict[str, Any] = orjson.loads(file.read_bytes())
        found = {name: case["ours"] for name, case in kept["cases"].items()}
        figures = {name: (one["requests_per_second"], one["cpu_us"]) for name, one in found.items()}
        rows[kept["processes"]] = _row(kept["processes"], figures)
    return text.replace(HEAD + table, HEAD + "".join(rows[one] for one in sorted(rows)))


def _row(processes: int, figures: Mapping[str, tuple[float, float]] | None = None) -> str:
    """Requests a second of the mix, whose routes come one after the other, as its time says."""
    rate = cost = UNKNOWN
    if figures is not None:
        rate = f"{_rate({route: figures[route][0] for route in MIX}):,.0f}"
        cost = f"{mixed({route: figures[route][1] for route in MIX}):.0f}"
    return f"| {processes} | {rate} | {_simulated(processes):,.0f} | {cost} |\n"


def _simulated(processes: int) -> float:
    """What so many would serve where each request costs what one process's does."""
    costs = {route: figures[3] for route, figures in last_table().items()}
    rates = {route: machine(processes, CORES, costs[route], STORES_US).rate for route in MIX}
    return _rate(rates)


def _rate(rates: Mapping[str, float]) -> float:
    return 1 / sum(share / rates[route] for route, share in MIX.items())


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), [*map(Path, sys.argv[1:])]))
