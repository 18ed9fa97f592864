"""Queries for notices to owners of accounts, and links for new passwords."""

from datetime import timedelta

from sqlalchemy import bindparam, func, select
from sqlmodel import col

from features.auth.models import Session
from features.emails.crud import send_link
from features.recovery.settings import RecoverySettings
from features.users.crud import id_by_email
from features.users.models import User, UserRead
from kernel import jobs
from kernel.db import CompiledQuery, UnitOfWork

# Each is the purpose of a link, or a mail's template.
RESET = "recovery.reset"
PASSWORD_CHANGED = "recovery.password_changed"  # noqa: S105 - a name
NEW_DEVICE = "recovery.new_device"
REMIND = "recovery.remind"
NO_USER = 0
SETTLED = timedelta(days=1)

# By hand, for its two tables. Whether this is no new account's first login: it has another session,
# or is older than a day.
has_logged_in_before = CompiledQuery(
    select(
        select(col(Session.id))
        .where(
            col(Session.user_id) == bindparam("user_id"),
            col(Session.id) != bindparam("session_id"),
        )
        .exists()
        | select(col(User.id))
        .where(col(User.id) == bindparam("user_id"), col(User.created_at) < func.now() - SETTLED)
        .exists()
    ),
    bool,
)


async def remind(db: UnitOfWork, email: str) -> None:
    """Queue a link to the account of that address, if there is one.

    As many statements either way, and the address isn't kept: the time tells nothing.
    """
    user_id = await id_by_email.scalar(db, email=email)
    await jobs.add(db, REMIND, user_id=user_id or NO_USER)


async def mail_reset_link(db: UnitOfWork, user: UserRead) -> None:
    """Mail a link by which the user sets a new password."""
    settings = db.resources.settings.group(RecoverySettings)
    assert user.email is not None
    await send_link(
        db,
        RESET,
        user.email,
        subject_id=user.id,
        page=settings.password_reset_page,
        lifetime=timedelta(minutes=settings.password_reset_minutes),
        username=user.username,
    )
