"""Jobs of sign-in: what was begun and never ended is removed."""

import structlog
from pydantic import BaseModel

from features.sign_in.crud import purge
from kernel.jobs import JobContext, Schedule, task

log = structlog.get_logger(__name__)


class NoArguments(BaseModel):
    """The job needs none."""


@task("sign_in.purge", unique="")
async def purge_attempts(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove sign-ins that were never ended."""
    log.info("sign-ins purged", attempts=await purge(ctx["db"]))


functions = [purge_attempts]
cron_jobs = [Schedule(purge_attempts, minute=37)]
