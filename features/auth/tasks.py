"""Jobs of auth: expired tokens and sessions are removed."""

import structlog
from pydantic import BaseModel

from features.auth import crud
from kernel.jobs import JobContext, Schedule, task

log = structlog.get_logger(__name__)


class NoArguments(BaseModel):
    """The job needs none."""


@task("auth.purge_sessions", unique="")
async def purge_sessions(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove what no token can name any more."""
    removed = await crud.purge_sessions(ctx["db"])
    log.info("sessions purged", sessions=removed)


functions = [purge_sessions]
cron_jobs = [Schedule(purge_sessions, minute=17)]
