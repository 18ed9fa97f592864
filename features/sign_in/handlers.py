"""What sign-in does when an address is proved, which it remembers where it links by addresses; and
when a sign-in is linked or unlinked: the account's owner is told."""

from features.emails.events import AddressConfirmed
from features.emails.notices import notify_owner
from features.sign_in.crud import note_confirmed
from features.sign_in.events import SignInLinked, SignInUnlinked
from features.sign_in.settings import SignInSettings
from kernel.db import UnitOfWork

LINKED, UNLINKED = "sign_in.linked", "sign_in.unlinked"
ALL = "all sign-ins"


async def note_address(event: AddressConfirmed, unit: UnitOfWork) -> None:
    if unit.resources.settings.group(SignInSettings).sign_in_link_by_email:
        await note_confirmed.scalar(unit, user_id=event.user_id)


async def tell_of_linked(event: SignInLinked, unit: UnitOfWork) -> None:
    await notify_owner(unit, LINKED, event.user_id, provider=_title(unit, event.issuer))


async def tell_of_unlinked(event: SignInUnlinked, unit: UnitOfWork) -> None:
    provider = ALL if event.issuer is None else _title(unit, event.issuer)
    await notify_owner(unit, UNLINKED, event.user_id, provider=provider)


def _title(unit: UnitOfWork, issuer: str) -> str:
    """What buttons call the provider; of one that left the settings, its address."""
    providers = unit.resources.settings.group(SignInSettings).providers.values()
    return next((one.title for one in providers if one.issuer == issuer), issuer)


handlers = {
    AddressConfirmed: [note_address],
    SignInLinked: [tell_of_linked],
    SignInUnlinked: [tell_of_unlinked],
}
