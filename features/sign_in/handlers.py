"""What sign-in does when accounts change: addresses that are proved, identities that are free."""

from features.emails.events import AddressConfirmed
from features.sign_in.crud import free_identities, note_confirmed
from features.sign_in.settings import SignInSettings
from features.users.events import UserDeleted
from kernel.db import UnitOfWork


async def note_address(event: AddressConfirmed, unit: UnitOfWork) -> None:
    if unit.resources.settings.group(SignInSettings).sign_in_link_by_email:
        await note_confirmed.scalar(unit, user_id=event.user_id)


async def free_deleted(event: UserDeleted, unit: UnitOfWork) -> None:
    if not event.for_good:  # else they go with the user's row
        await free_identities(unit, event.user_id)


handlers = {AddressConfirmed: [note_address], UserDeleted: [free_deleted]}
