"""`hatch run test -n auto --slices`: how long the tests of each slice took, together."""

from collections import defaultdict
from pathlib import PurePosixPath

import pytest
from _pytest.terminal import TerminalReporter

MOST = 20  # seconds for a feature, on a machine that does nothing else


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slices", action="store_true", help="print how long the tests of each slice took"
    )


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the sums, the longest first."""
    if not config.getoption("slices"):
        return
    sums: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                sums[slice_of(report.nodeid)] += report.duration
    terminalreporter.section(f"slices: a feature has {MOST} s")
    for name, seconds in sorted(sums.items(), key=lambda one: -one[1]):
        terminalreporter.line(f"{seconds:8.1f} s  {name}")


def slice_of(test: str) -> str:
    """The feature that a test belongs to, or the folder that it stands in."""
    path = PurePosixPath(test.partition("::")[0])
    parts = path.parts if "tests" not in path.parts[1:] else path.parts[: path.parts.index("tests")]
    return "/".join(parts[:2]) if parts[0] != "tests" else str(path.parent)
