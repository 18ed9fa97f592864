"""The kernel's own metrics, and what calls them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from kernel.cache.store import Stores
from kernel.config.addresses import REDIS_ROLES
from kernel.config.groups import AppSettings
from kernel.db.replica import Replica
from kernel.db.unit_of_work import Resources
from kernel.observability.metrics import Counter, Gauge, Histogram, Tally
from kernel.rate_limit.limiter import Limiter

pool_size = Gauge("db_pool_size", "Connections that the pool may hold.")
pool_connections = Gauge("db_pool_connections", "Connections of the pool.", ["state"])
pool_waits = Histogram(
    "db_pool_wait_seconds", "Waits for a connection when none was idle, or for a new one."
)
pool_failures = Counter("db_pool_failures_total", "Waits for a connection that ended without one.")
replica_reads = Counter(
    "db_replica_reads_total", "Reads that a replica may serve, by who served them.", ["server"]
)
cache_reads = Counter("cache_reads_total", "Looks into a store of the cache.", ["store", "result"])
cache_shared = Counter(
    "cache_loads_shared_total", "Reads that waited for another's load and took it.", ["store"]
)
decisions = Counter(
    "rate_limit_decisions_total",
    "What the limiter decided, by the counts of Redis or of this process's memory.",
    ["decision", "source"],
)
redis_up = Gauge(
    "redis_up",
    "1 while that Redis answers, 0 while its breaker is open.",
    ["role"],
    together="livemin",
)
info = Gauge("app_info", "1, for its labels.", ["version", "environment"], together="livemax")


def observe_resources(resources: Resources) -> Callable[[], None]:
    """Count what resources are asked for; return what measures their state, to be called often."""
    resources.database.wait_observers.append(_on_wait)
    reads, shared, decided = Tally(cache_reads), Tally(cache_shared), Tally(decisions)
    replicated = Tally(replica_reads)

    def on_read(role: str, result: str) -> None:
        if result == "shared":
            shared.count(role)
        else:
            reads.count(role, result)

    def on_decision(accepted: bool, source: str) -> None:
        decided.count("accepted" if accepted else "refused", source)

    for role, store in resources.get(Stores).items():
        store.observers.append(partial(on_read, role))
    resources.get(Limiter).observers.append(on_decision)
    resources.get(Replica).observers.append(replicated.count)
    settings = resources.settings.group(AppSettings)
    clients = {role: resources.redis(role) for role in REDIS_ROLES}

    def measure() -> None:
        pool: Any = resources.database.engine.sync_engine.pool
        pool_size.set(resources.database.size)
        pool_connections.set(pool.checkedout(), "in_use")
        pool_connections.set(pool.checkedin(), "idle")
        for role, client in clients.items():
            if client is not None:
                redis_up.set(client.available, role)
        for tally in (reads, shared, decided, replicated):
            tally.hand_on()
        info.set(1, settings.app_version, settings.environment)

    return measure


def _on_wait(seconds: float, failed: bool) -> None:
    pool_waits.observe(seconds)
    if failed:
        pool_failures.inc()
