"""What emails do when an account is erased: whether its address gets mail is kept without it."""

from features.emails.crud import conceal
from features.users.crud import names_of
from features.users.events import UserDeleted
from kernel.db import UnitOfWork


async def conceal_suppression(event: UserDeleted, unit: UnitOfWork) -> None:
    if event.for_good and (email := (await names_of(unit, event.user_id)).email):
        await conceal(unit, email)


handlers = {UserDeleted: [conceal_suppression]}
