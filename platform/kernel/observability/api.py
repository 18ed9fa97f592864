"""What an API process counts and looks at: requests, the database, migrations.

Apart, since a worker loads nothing of the HTTP side.
"""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPMethod

from kernel.config.observability import ObservabilitySettings
from kernel.db.unit_of_work import Resources
from kernel.observability.exposition import DIRECTORY
from kernel.observability.metrics import OTHER, Counter, Gauge, Histogram
from kernel.observability.observing import observing
from kernel.observability.sampling import LATEST, UNKNOWN, sample_queues
from kernel.web import health
from kernel.web.outer_middleware import OuterMiddleware

METHODS = frozenset(HTTPMethod)
NO_ROUTE = "none"  # of what no route has answered

requests = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
durations = Histogram(
    "http_request_duration_seconds", "From a request's headers to its end.", ["method", "route"]
)
in_flight = Gauge("http_requests_in_flight", "Requests that are being answered.")
database_up = Gauge("db_up", "1 while the database serves, 0 while it doesn't.", together=LATEST)
pending = Gauge("migrations_pending", "Revisions that the database lacks.", together=LATEST)


def observing_api(
    resources: Resources, outer: Callable[[], OuterMiddleware]
) -> AbstractAsyncContextManager[None]:
    """For an API process; its outermost layer is asked for when requests are counted."""
    port = resources.settings.group(ObservabilitySettings).metrics_port
    samples = (sample_database, sample_queues)
    return observing(resources, port, lambda: [observe_requests(outer())], samples)


def observe_requests(outer: OuterMiddleware) -> Callable[[], None]:
    """Count requests; return what counts and measures since the last time, to be called often."""
    answered: list[tuple[str, str | None, int, float]] = []
    # Of several processes the counts are in files, which outlive one that is killed: so at once.
    at_once = DIRECTORY in os.environ

    def on_request(method: str, template: str | None, status: int, seconds: float) -> None:
        answered.append((method, template, status, seconds))
        if at_once:
            count()

    def count() -> None:
        for method, template, status, seconds in answered:
            known, route = method if method in METHODS else OTHER, template or NO_ROUTE
            requests.inc(known, route, str(status))
            durations.observe(seconds, known, route)
        answered.clear()

    def measure() -> None:
        count()
        in_flight.set(outer.in_flight)

    outer.observers.append(on_request)
    return measure


async def sample_database(resources: Resources) -> None:
    """Whether it serves, and what it lacks."""
    missing = await health.missing_revisions(resources)
    database_up.set(missing is not None)
    pending.set(UNKNOWN if missing is None else len(missing))
