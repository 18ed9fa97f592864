"""What auth does when accounts change: dead tokens at once, principals looked up anew."""

from features.auth import sessions
from features.auth.principals import forget_principal
from features.users.events import PasswordChanged, UserChanged, UserDeleted
from features.users.models import UserRead
from kernel.db import UnitOfWork

# What is kept of a caller; nothing else of a user concerns a token.
KEPT_COLUMNS = frozenset({*UserRead.model_fields, "is_superuser", "is_deleted"})


async def forget_changed_principal(event: UserChanged, unit: UnitOfWork) -> None:
    if event.columns & KEPT_COLUMNS:
        forget_principal(unit, user_id=event.user_id)


async def end_other_sessions(event: PasswordChanged, unit: UnitOfWork) -> None:
    await sessions.end_all(unit, event.user_id, reason="password", kept=event.by_session)


async def end_sessions_of_deleted(event: UserDeleted, unit: UnitOfWork) -> None:
    forget_principal(unit, user_id=event.user_id)
    if not event.for_good:  # else they go with the user's row
        await sessions.end_all(unit, event.user_id, reason="deletion")


handlers = {
    UserChanged: [forget_changed_principal],
    PasswordChanged: [end_other_sessions],
    UserDeleted: [end_sessions_of_deleted],
}
