"""What second factors do when one is added or removed: the account's owner is told."""

from features.emails.notices import notify_owner
from features.second_factor.events import FactorAdded, FactorRemoved
from kernel.db import UnitOfWork

ADDED, REMOVED = "second_factor.factor_added", "second_factor.factor_removed"
ALL = "all second factors"


async def tell_of_added(event: FactorAdded, unit: UnitOfWork) -> None:
    await notify_owner(unit, ADDED, event.user_id, factor=event.factor)


async def tell_of_removed(event: FactorRemoved, unit: UnitOfWork) -> None:
    await notify_owner(unit, REMOVED, event.user_id, factor=event.factor or ALL)


handlers = {FactorAdded: [tell_of_added], FactorRemoved: [tell_of_removed]}
