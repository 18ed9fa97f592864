"""The first tier, named by TIER_NAME, when there never was one."""

import structlog

from features.tiers.crud import insert_first
from features.tiers.settings import TierSettings
from kernel.db import UnitOfWork

log = structlog.get_logger(__name__)


async def seed(db: UnitOfWork) -> None:
    """Make the first tier. Once an administrator has deleted all tiers, none comes back."""
    name = db.resources.settings.group(TierSettings).tier_name
    if await insert_first.scalar(db, name=name) is not None:
        log.info("tier made", name=name)
