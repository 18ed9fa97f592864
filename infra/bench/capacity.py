"""What one core serves, from the last measured table: `hatch run python -m infra.bench.capacity`
writes it into the capacity page."""

import re
from collections.abc import Mapping

from infra.checks import ROOT

MEASURED = ROOT / "docs" / "performance.md"
PAGE = ROOT / "docs" / "running" / "capacity.md"
UPDATE = "hatch run python -m infra.bench.capacity"
FULL = 0.6  # of a core: beyond, waits grow faster than what is served
HEAD = "| route | share | CPU us | one core, full | one core, at 60 % |\n|---|--:|--:|--:|--:|\n"
# A day of an application that is read more than written: each route's share of the requests.
MIX = {
    "post-cached": 0.40,
    "posts-cached": 0.20,
    "users-10": 0.10,
    "users-100": 0.05,
    "me": 0.15,
    "task-limited": 0.05,
    "post-create": 0.05,
}


def last_table() -> dict[str, tuple[float, ...]]:
    """Requests per second of ours, p50 and p99 in ms, and microseconds of CPU, by route."""
    text = MEASURED.read_text().partition("## What the profiles said")[0]
    rows = re.findall(
        r"^\| (\S+) \| ours \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|", text, re.MULTILINE
    )
    return {route: tuple(map(float, figures)) for route, *figures in rows}


def measured() -> dict[str, float]:
    """Microseconds of CPU per request of ours, by route."""
    return {route: figures[3] for route, figures in last_table().items()}


def mixed(costs: Mapping[str, float]) -> float:
    """Microseconds of a request of the mix."""
    return sum(costs[route] * share for route, share in MIX.items())


def table() -> str:
    """A line for each route, and one for the mix."""
    costs = measured()
    lines = [_line(route, share, costs[route]) for route, share in MIX.items()]
    return HEAD + "".join([*lines, _line("**the mix**", 1.0, mixed(costs))])


def _line(route: str, share: float, cpu: float) -> str:
    full = 1e6 / cpu
    return f"| {route} | {share:.0%} | {cpu:.0f} | {_round(full)}/s | {_round(full * FULL)}/s |\n"


def _round(rate: float) -> str:
    return f"{round(rate, -2):,.0f}"


def written(text: str) -> str:
    """The page with the table as it should be."""
    return re.sub(re.escape(HEAD) + r"(?:\|.*\n)*", lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
