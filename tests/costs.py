"""What a call costs once everything is warm: statements and Redis round trips."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from kernel.redis.usage import Usage
from tests.statements import Statements

Call = Callable[[], Awaitable[httpx2.Response]]


class Costs:
    """Counts what is done for requests; what a process does by itself is counted nowhere."""

    def __init__(self, statements: Statements) -> None:
        self.redis, self._statements = 0, statements

    async def of(self, call: Call) -> tuple[int, int]:
        """Statements and round trips of a call, once it has been made twice."""
        for _ in range(2):
            await call()
        await self._statements.counted()
        self._statements.made.clear()
        self.redis = 0
        answer = await call()
        assert answer.is_success, answer.text
        return len(await self._statements.counted()), self.redis


@pytest.fixture
def costs(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> Costs:
    counted = Costs(statements)
    count_trip = Usage.count_trip

    # As log lines have it. The server's own statistics count commands, not round trips.
    def counted_trip(self: Usage, connection: object, number: int) -> None:
        before = self.redis
        count_trip(self, connection, number)
        counted.redis += self.redis - before

    monkeypatch.setattr(Usage, "count_trip", counted_trip)
    return counted
