"""What sign-in does when an address is proved: where it links by addresses, it remembers."""

from features.emails.events import AddressConfirmed
from features.sign_in.crud import note_confirmed
from features.sign_in.settings import SignInSettings
from kernel.db import UnitOfWork


async def note_address(event: AddressConfirmed, unit: UnitOfWork) -> None:
    if unit.resources.settings.group(SignInSettings).sign_in_link_by_email:
        await note_confirmed.scalar(unit, user_id=event.user_id)


handlers = {AddressConfirmed: [note_address]}
