"""The security log: who did what to which account, from where; never a secret."""

import structlog
from starlette.requests import HTTPConnection

from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.observability import Counter

log = structlog.get_logger("security")

events = Counter("security_events_total", "Events of the security log.", ["event"])


def record(event: str, connection: HTTPConnection, **facts: object) -> None:
    """Log what has happened. Names that were typed in are left out: people type passwords there."""
    context = context_of(connection)
    caller = context.principal
    by = caller.user_id if caller else None
    events.inc(event.replace(" ", "_"))
    log.info(event, by=by, address=context.address, **facts)


def record_after_commit(
    unit: UnitOfWork, event: str, connection: HTTPConnection, **facts: object
) -> None:
    """Log a change once it is durable; nothing if the unit rolls back."""

    async def write() -> None:
        record(event, connection, **facts)

    unit.after_commit(write)
