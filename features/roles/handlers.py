"""What roles do when an account is deleted: it has none any more."""

from features.roles import crud
from features.roles.grants import forget_permissions
from features.users.events import UserDeleted
from kernel.db import UnitOfWork


async def take_roles_of_deleted(event: UserDeleted, unit: UnitOfWork) -> None:
    forget_permissions(unit, event.user_id)
    if not event.for_good:  # else they go with the user's row
        await crud.take_all(unit, event.user_id)


handlers = {UserDeleted: [take_roles_of_deleted]}
