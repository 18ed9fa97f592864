"""Mails that tell the owner of an account what was done with it."""

from features.emails.crud import is_on, send_notice
from features.users.crud import user_by_id
from kernel.db import UnitOfWork


async def notify_owner(db: UnitOfWork, template: str, user_id: int, **values: str) -> None:
    """Mail this to the account's address exactly when the unit commits, if mail is sent here and
    the account has an address. The template has `username` besides the values."""
    if not is_on(db):
        return
    user = await user_by_id.one(db, user_id=user_id)
    if user is not None and user.email is not None:
        await send_notice(db, template, user.email, username=user.username, **values)
