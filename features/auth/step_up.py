"""Step-up: what matters most needs a password that was entered a short while ago."""

from datetime import timedelta

from starlette.requests import HTTPConnection

from features.auth.credentials import is_password_of
from features.auth.crud import confirm_password, password_is_recent
from features.auth.further_step import FURTHER_STEP, is_asked_for_more
from features.auth.settings import AuthSettings
from features.users.models import Account
from kernel.context import Principal
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException, UnprocessableEntityException

WRONG_PASSWORD = "Wrong current password."  # noqa: S105 - a message
ENTER_PASSWORD = "Enter your password again first: POST /api/v1/step-up."  # noqa: S105
WRONG_CODE = "Wrong code, or one that was used before."
NOT_ENOUGH = "The password is not enough for this account: confirm by POST /api/v1/step-up/factor."
NO_SESSION = 0  # of a caller who is known by something else than a login


class StepUpRequired(ForbiddenException):
    """403: the caller may, once the password has been entered again."""

    problem_type = "urn:problem-type:step-up-required"


class PasswordNotEnough(ForbiddenException):
    """403: the account is confirmed by more than its password."""

    problem_type = FURTHER_STEP


async def require_recent_password(unit: UnitOfWork, caller: Principal) -> None:
    """Raise StepUpRequired (403) unless the password was entered in this session within
    STEP_UP_MINUTES, by a login or by /step-up."""
    refuse_without_session(caller)
    lately = timedelta(minutes=unit.resources.settings.group(AuthSettings).step_up_minutes)
    if lately and not await password_is_recent.scalar(
        unit, session_id=caller.session_id, lately=lately
    ):
        raise StepUpRequired(ENTER_PASSWORD)


def refuse_without_session(caller: Principal) -> None:
    """Raise StepUpRequired (403) for a caller without a session, in which alone a password can be
    entered."""
    if caller.session_id == NO_SESSION:
        raise StepUpRequired(ENTER_PASSWORD)


async def refuse_password_alone(unit: UnitOfWork, user_id: int) -> None:
    """Raise PasswordNotEnough (403) for an account that is asked for more at its logins."""
    if await is_asked_for_more(unit, user_id):
        raise PasswordNotEnough(NOT_ENOUGH)


async def check_current_password(
    connection: HTTPConnection, unit: UnitOfWork, account: Account, password: str
) -> None:
    """Raise UnprocessableEntityException (422) unless it is the account's password.

    A wrong one counts as a failed login: RateLimitException (429) after too many.
    """
    if not await is_password_of(connection, unit, account, password):
        raise UnprocessableEntityException(WRONG_PASSWORD)


async def note_password(unit: UnitOfWork, caller: Principal, version: int) -> bool:
    """Remember in the session that its password was entered now.

    False when the account has another version by now: the password may be the old one.
    """
    session_id = await confirm_password.scalar(unit, session_id=caller.session_id, version=version)
    return session_id is not None
