"""What recovery does when accounts change: links die, and the owner is told."""

from datetime import UTC, datetime

from features.auth.devices import PROGRAMS
from features.auth.events import SessionOpened
from features.emails.crud import is_on, withdraw_links
from features.emails.notices import notify_owner
from features.recovery import crud
from features.users.events import PasswordChanged, UserChanged, UserDeleted
from kernel.db import UnitOfWork

OTHER = "another program"


async def tell_of_new_device(event: SessionOpened, unit: UnitOfWork) -> None:
    if event.known_device or not is_on(unit):
        return
    named = {"user_id": event.user_id, "session_id": event.session_id}
    if await crud.has_logged_in_before.scalar(unit, **named):
        # A program may call itself anything, an address say; only what we call it is mailed.
        known = event.device.partition(" on ")[0] in PROGRAMS.values()
        device = event.device if known else OTHER
        moment = f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC"
        values = {"device": device, "address": event.address, "moment": moment}
        await notify_owner(unit, crud.NEW_DEVICE, event.user_id, **values)


async def tell_of_new_password(event: PasswordChanged, unit: UnitOfWork) -> None:
    await notify_owner(unit, crud.PASSWORD_CHANGED, event.user_id)
    await _withdraw(unit, event.user_id)


async def withdraw_of_old_address(event: UserChanged, unit: UnitOfWork) -> None:
    if "email" in event.columns:
        await _withdraw(unit, event.user_id)


async def withdraw_of_deleted(event: UserDeleted, unit: UnitOfWork) -> None:
    await _withdraw(unit, event.user_id)


async def _withdraw(unit: UnitOfWork, user_id: int) -> None:
    if is_on(unit):  # else no link works
        await withdraw_links(unit, user_id, crud.RESET)


handlers = {
    SessionOpened: [tell_of_new_device],
    PasswordChanged: [tell_of_new_password],
    UserChanged: [withdraw_of_old_address],
    UserDeleted: [withdraw_of_deleted],
}
