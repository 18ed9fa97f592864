"""What a request or a job takes of PostgreSQL and Redis, counted while it runs."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Usage:
    """SQL statements, without a transaction's frame, and round trips to Redis."""

    statements: int = 0
    redis: int = 0
    last_trip: tuple[object, int] | None = None

    def count_trip(self, connection: object, number: int) -> None:
        """A command leaves with that write of the connection; those that leave together are one."""
        trip = (connection, number)
        if trip != self.last_trip:
            self.redis, self.last_trip = self.redis + 1, trip


# None in what a process does by itself.
usage_var: ContextVar[Usage | None] = ContextVar("usage", default=None)

# Called with the server's kind, the statement or the command's name, time.perf_counter() at its
# beginning, and its seconds.
CallObserver = Callable[[str, str, float, float], None]
# None unless what is at hand is traced.
call_observer_var: ContextVar[CallObserver | None] = ContextVar("call_observer", default=None)
