"""What tiers do when an account is made: put it on DEFAULT_TIER, before its answer is built."""

import structlog

from features.tiers import crud
from features.tiers.settings import TierSettings
from features.users.events import UserRegistered
from kernel.db import UnitOfWork

log = structlog.get_logger(__name__)


async def put_on_default_tier(event: UserRegistered, unit: UnitOfWork) -> None:
    name = unit.resources.settings.group(TierSettings).default_tier
    if name is None:
        return
    if await crud.put_new_user_on.scalar(unit, user_id=event.user_id, name=name) is None:
        log.warning("DEFAULT_TIER names no tier; the account has none", default_tier=name)


handlers = {UserRegistered: [put_on_default_tier]}
