"""What every change of one's factors must pass."""

from starlette.requests import Request

from features.auth.principals import KnownUser
from features.auth.step_up import require_recent_password
from features.second_factor import crud
from features.second_factor.models import Factors
from features.second_factor.permissions.requirement import needs_factor
from kernel.db import UnitOfWork
from kernel.errors import ConflictException
from kernel.web import note_actor, unauthenticated

LAST_ONE = "This account must have a second factor: add another one first."


async def begin_change(
    request: Request, db: UnitOfWork, caller: KnownUser, *, removing: bool = False
) -> None:
    """Before factors are changed: a step-up, and of those who change them at once one at a time.

    Raises StepUpRequired (403), and UnauthorizedException (401) for an account that is gone.
    """
    await require_recent_password(db, caller)
    if removing:  # the audit log notes what an account loses, and who took it away
        await note_actor(db, caller.user_id)
    if not await crud.lock_account(db, caller.user_id):
        raise unauthenticated(request)


def refuse_last(db: UnitOfWork, caller: KnownUser, left: Factors | None) -> None:
    """Raise ConflictException (409) where nothing is left, and the account must keep a factor."""
    has_factor = left is not None and left.any
    if not has_factor and needs_factor(db.resources.settings, caller.is_superuser):
        raise ConflictException(LAST_ONE)
