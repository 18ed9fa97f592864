"""Jobs of the audit log: entries go when AUDIT_DAYS are over."""

from pydantic import BaseModel

from features.audit import crud
from features.audit.models import PURGE_BATCH
from features.audit.settings import AuditSettings
from kernel.jobs import JobContext, Schedule, task


class NoArguments(BaseModel):
    """The job needs none."""


@task("audit.purge_entries", unique="", max_tries=3, timeout=600)
async def purge_entries(ctx: JobContext, arguments: NoArguments) -> int:
    """Delete the entries that are older than AUDIT_DAYS; return how many."""
    days = ctx["resources"].settings.group(AuditSettings).audit_days
    deleted = 0
    while True:
        # A transaction for each batch, so that none is long.
        async with ctx["resources"].unit() as db:
            await crud.set_days.scalar(db, days=str(days))
            gone = await crud.purge.scalar(db) or 0
        deleted += gone
        if gone < PURGE_BATCH:
            return deleted


functions = [purge_entries]
cron_jobs = [Schedule(purge_entries, hour=3, minute=47)]
