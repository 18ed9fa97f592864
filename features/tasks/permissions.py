"""Who may see a job: who queued it, and superusers."""

from starlette.requests import HTTPConnection

from kernel.context import principal_of
from kernel.jobs import caller


async def may_see(connection: HTTPConnection, queued_by: str | None) -> bool:
    """Whether the job of that owner may be shown; a job without an owner is for superusers."""
    principal = await principal_of(connection)
    if principal is not None and principal.is_superuser:
        return True
    return queued_by is not None and queued_by == await caller(connection)
