"""Options of `hatch run drill`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person fuzz for as long as it takes, and generate all that can be."""
    parser.addoption(
        "--unbounded", action="store_true", help="fuzz ten times as much, without a time limit"
    )
    parser.addoption(
        "--full", action="store_true", help="write and remove every kind of feature, not just one"
    )
