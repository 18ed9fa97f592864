"""What verification does when accounts are made, changed and logged in to."""

from features.auth.events import SessionOpened
from features.emails.crud import is_on, send_notice, withdraw_links
from features.emails.events import AddressConfirmed
from features.emails.messages import mailbox
from features.users.crud import account_by_id, id_by_email, id_by_username
from features.users.events import (
    EmailChanging,
    PasswordChanged,
    Registering,
    UserChanged,
    UserDeleted,
    UserRegistered,
)
from features.users.models import EMAIL_TAKEN, USERNAME_TAKEN
from features.verification import crud
from features.verification.models import UnverifiedUser
from features.verification.requirement import require_verified
from features.verification.settings import VerificationSettings
from kernel import jobs
from kernel.db import UnitOfWork
from kernel.errors import DuplicateValueException, UnprocessableEntityException


def _settings(unit: UnitOfWork) -> VerificationSettings:
    return unit.resources.settings.group(VerificationSettings)


def _require_mailbox(email: str) -> None:
    """Raise UnprocessableEntityException (422) for an address that no link could be mailed to."""
    try:
        mailbox(email)
    except ValueError as error:
        raise UnprocessableEntityException(f"No mail reaches this address: {error}") from None


async def register_later(event: Registering, unit: UnitOfWork) -> None:
    if _settings(unit).changes_wait:
        _require_mailbox(event.user.email)
    if not _settings(unit).registration_privacy:
        return
    if await id_by_username.scalar(unit, username=event.user.username) is not None:
        raise DuplicateValueException(USERNAME_TAKEN)
    event.answer = await crud.register_later(unit, event.user)


async def ask_new_account(event: UserRegistered, unit: UnitOfWork) -> None:
    if not _settings(unit).asks_accounts:
        return
    account = await account_by_id.one(unit, user_id=event.user_id)
    if account is not None and not account.is_superuser:  # else its address is the operator's word
        unit.add(UnverifiedUser(user_id=event.user_id))
        await jobs.add(unit, crud.ASK, user_id=event.user_id)


async def refuse_login(event: SessionOpened, unit: UnitOfWork) -> None:
    if _settings(unit).require_verified_email == "login":
        await require_verified(unit, event.user_id)


async def change_later(event: EmailChanging, unit: UnitOfWork) -> None:
    settings = _settings(unit)
    if event.own and settings.changes_wait:
        _require_mailbox(event.new)
        if not settings.registration_privacy and await id_by_email.scalar(unit, email=event.new):
            raise DuplicateValueException(EMAIL_TAKEN)
        event.waits = True
        await jobs.add(unit, crud.OFFER, user_id=event.user_id, email=event.new)
    elif is_on(unit) and await crud.unverified.scalar(unit, user_id=event.user_id) is None:
        await send_notice(unit, crud.ADDRESS_CHANGED, event.old)


async def follow_changes(event: UserChanged, unit: UnitOfWork) -> None:
    if not _settings(unit).changes_wait or not event.columns & {"email", "is_superuser"}:
        return
    account = await account_by_id.one(unit, user_id=event.user_id)
    if account is None:
        return
    if "email" in event.columns:
        # By a superuser, or by the very link to the new address, which isn't used up yet.
        await withdraw_links(unit, account.id, crud.CONFIRM)
        await withdraw_links(unit, account.id, crud.CHANGE, but_to=account.email)
        await jobs.add(unit, crud.ASK, user_id=account.id)
    if account.is_superuser:
        await crud.verify(unit, account.id)


async def confirm_account(event: AddressConfirmed, unit: UnitOfWork) -> None:
    if _settings(unit).asks_accounts:
        await crud.verify(unit, event.user_id)


async def withdraw_changes(event: PasswordChanged, unit: UnitOfWork) -> None:
    # A thief who was locked out has asked for them, perhaps.
    if _settings(unit).changes_wait:
        await withdraw_links(unit, event.user_id, crud.CHANGE)


async def withdraw_all(event: UserDeleted, unit: UnitOfWork) -> None:
    if _settings(unit).changes_wait:
        await withdraw_links(unit, event.user_id, crud.CONFIRM, crud.CHANGE)


handlers = {
    Registering: [register_later],
    UserRegistered: [ask_new_account],
    SessionOpened: [refuse_login],
    EmailChanging: [change_later],
    UserChanged: [follow_changes],
    AddressConfirmed: [confirm_account],
    PasswordChanged: [withdraw_changes],
    UserDeleted: [withdraw_all],
}
