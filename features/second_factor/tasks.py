"""Jobs of second factors: what has expired, and apps that were never set up, are removed."""

from datetime import timedelta

import structlog
from pydantic import BaseModel

from features.second_factor import codes, tickets
from kernel.jobs import JobContext, Schedule, task

log = structlog.get_logger(__name__)

UNCONFIRMED = timedelta(days=1)


class NoArguments(BaseModel):
    """The job needs none."""


@task("second_factor.purge", unique="")
async def purge(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove what no one can use any more."""
    expired = await tickets.purge(ctx["db"])
    unconfirmed = await codes.purge_unconfirmed(ctx["db"], UNCONFIRMED)
    log.info("second factors purged", expired=expired, unconfirmed=unconfirmed)


functions = [purge]
cron_jobs = [Schedule(purge, minute=37)]
