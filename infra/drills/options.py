"""Options of `hatch run drill`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person drill for as long as it takes."""
    parser.addoption(
        "--unbounded", action="store_true", help="fuzz ten times as much, without a time limit"
    )
    parser.addoption(
        "--write-pictures", action="store_true", help="put screenshots into docs/images"
    )
    parser.addoption(
        "--full", action="store_true", help="the longest drills, too, and the long form of others"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the longest drills to `hatch run drill --full`."""
    if not config.getoption("full"):
        longest = [item for item in items if item.get_closest_marker("longest")]
        config.hook.pytest_deselected(items=longest)
        items[:] = [item for item in items if item not in longest]
