"""Fixtures of the state machine of accounts, for the machines of every feature that extends it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from features.auth.tests.environment import Environment, killable
from tests.application import ApplicationFactory


@pytest.fixture
async def killable_redis(
    make_app: ApplicationFactory, tmp_path: Path
) -> AsyncIterator[Environment]:
    """The application in two processes, so to speak, on a Redis of its own."""
    async with killable(make_app, tmp_path) as environment:
        yield environment
