"""What second factors do when one is added or removed: the account's owner is told."""

from features.emails.crud import is_on, send_notice
from features.second_factor.events import FactorAdded, FactorRemoved
from features.users.crud import user_by_id
from kernel.db import UnitOfWork

ADDED, REMOVED = "second_factor.factor_added", "second_factor.factor_removed"
ALL = "all second factors"


async def tell_of_added(event: FactorAdded, unit: UnitOfWork) -> None:
    await _tell(unit, ADDED, event.user_id, event.factor)


async def tell_of_removed(event: FactorRemoved, unit: UnitOfWork) -> None:
    await _tell(unit, REMOVED, event.user_id, event.factor or ALL)


async def _tell(unit: UnitOfWork, template: str, user_id: int, factor: str) -> None:
    if not is_on(unit):
        return
    user = await user_by_id.one(unit, user_id=user_id)
    if user is not None and user.email is not None:
        await send_notice(unit, template, user.email, username=user.username, factor=factor)


handlers = {FactorAdded: [tell_of_added], FactorRemoved: [tell_of_removed]}
