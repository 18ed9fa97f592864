"""What is required of an account whose address isn't confirmed."""

from features.verification.crud import unverified
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException

CONFIRM_FIRST = (
    "Confirm your e-mail address first, by the link that was mailed to it; another one comes by "
    "POST /api/v1/email/verification."
)


class EmailNotVerified(ForbiddenException):
    """403: the caller may, once the account's address is confirmed."""

    problem_type = "urn:problem-type:email-not-verified"


async def require_verified(db: UnitOfWork, user_id: int) -> None:
    """Raise EmailNotVerified (403) unless the account is verified: asked of the database each
    time, so that it holds in every process at once."""
    if await unverified.scalar(db, user_id=user_id) is not None:
        raise EmailNotVerified(CONFIRM_FIRST)
