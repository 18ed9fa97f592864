"""Jobs of privacy: build an archive, remove those that have expired, erase deleted accounts."""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from features.privacy import crud
from features.privacy.archive import Rows, TooLarge, build
from features.privacy.settings import PrivacySettings
from features.users.crud import hard_delete_user, lock_for_removal
from kernel.discovery import offers
from kernel.errors import CustomException
from kernel.jobs import JobContext, Schedule, task

log = structlog.get_logger(__name__)

ERASED_AT_ONCE = 500


class Wanted(BaseModel):
    """Whose data."""

    user_id: int


class NoArguments(BaseModel):
    """The job needs none."""


def parts() -> dict[str, Rows]:
    """What features offer, by the name of its file in the archive."""
    return {
        f"{feature}/{name}": rows
        for feature, offered in offers("personal_data", "exports", Mapping).items()
        for name, rows in offered.items()
    }


@task("privacy.build", max_tries=3, timeout=1800, unique="{user_id}", concurrency=2)
async def build_archive(ctx: JobContext, arguments: Wanted) -> str:
    """Collect what belongs to the account, and keep it until it expires."""
    resources, progress = ctx["resources"], ctx["progress"]
    settings = resources.settings.group(PrivacySettings)
    wanted, archive = parts(), None
    # Not in ctx["db"], so that no row is locked while the archive is written.
    async with resources.unit() as source:
        export = await crud.export_of(source, arguments.user_id)
        if export is None or export.expires_at is not None:
            return "nothing to do"
        try:
            archive = await build(
                source,
                arguments.user_id,
                wanted,
                settings.export_max_bytes,
                lambda done: progress(done, len(wanted)),
            )
        except TooLarge:
            log.warning("export too large", user=arguments.user_id)
    lifetime = timedelta(hours=settings.export_hours)
    size = await crud.keep(ctx["db"], export.id, archive, lifetime)
    if archive is None:
        return "too large"
    archive.close()
    return f"{size} bytes"


@task("privacy.purge_exports", unique="")
async def purge_exports(ctx: JobContext, arguments: NoArguments) -> int:
    """Remove the archives that have expired."""
    return await crud.remove_what_is_over(ctx["db"])


@task("privacy.erase_deleted", unique="", timeout=1800)
async def erase_deleted(ctx: JobContext, arguments: NoArguments) -> str:
    """Erase the accounts that were deleted ERASURE_DAYS ago for good."""
    resources = ctx["resources"]
    days = resources.settings.group(PrivacySettings).erasure_days
    if days is None:
        return "ERASURE_DAYS isn't set: deleted accounts are kept"
    async with resources.unit() as db:
        due = await crud.erasable_users(db, timedelta(days=days), ERASED_AT_ONCE)
    erased = 0
    for user_id in due:
        # Each in a transaction of its own: one that is held back holds back no other.
        try:
            async with resources.unit() as db:
                user = await lock_for_removal(db, user_id, deleted_too=True)
                if user is not None:
                    await hard_delete_user(db, user)
                    erased += 1
        except (CustomException, IntegrityError) as error:
            log.warning("user not erased", user=user_id, reason=type(error).__name__)
        else:
            log.info("user removed for good", user=user_id, by="schedule")
    return f"{erased} of {len(due)}"


functions = [build_archive, purge_exports, erase_deleted]
cron_jobs = [Schedule(purge_exports, minute=43), Schedule(erase_deleted, hour=2, minute=29)]
