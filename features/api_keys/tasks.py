"""Jobs of API keys: those that died a while ago are removed."""

import structlog
from pydantic import BaseModel

from features.api_keys import crud
from kernel.jobs import JobContext, Schedule, task

log = structlog.get_logger(__name__)


class NoArguments(BaseModel):
    """The job needs none."""


@task("api_keys.purge", unique="")
async def purge(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove keys that expired or were revoked long ago."""
    log.info("api keys purged", keys=await crud.purge(ctx["db"]))


functions = [purge]
cron_jobs = [Schedule(purge, hour=3, minute=23)]
