"""Options of `hatch run drill`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person drill for as long as it takes."""
    parser.addoption(
        "--unbounded", action="store_true", help="fuzz ten times as much, without a time limit"
    )
    parser.addoption("--full", action="store_true", help="the long form of drills that have one")
