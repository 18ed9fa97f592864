"""What accounts may not do until their address is confirmed."""

from typing import Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from features.verification.crud import unverified
from features.verification.settings import VerificationSettings
from kernel.config import Settings
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException
from kernel.web import SessionDep

CONFIRM_FIRST = (
    "Confirm your e-mail address first, by the link that was mailed to it; another one comes by "
    "POST /api/v1/email/verification."
)
READS = {"GET", "HEAD", "OPTIONS"}
# Of their own account and sessions they dispose.
OPEN = ("features.auth.", "features.users.")


class EmailNotVerified(ForbiddenException):
    """403: the caller may, once the account's address is confirmed."""

    problem_type = "urn:problem-type:email-not-verified"


def guards(settings: Settings, route: APIRoute) -> list[Any]:
    """What routes depend on besides, where REQUIRE_VERIFIED_EMAIL is on: those that write."""
    if not settings.group(VerificationSettings).asks_accounts:
        return []
    is_open = route.endpoint.__module__.startswith(OPEN) or READS.issuperset(route.methods or ())
    return [] if is_open else [Depends(refuse_unverified)]


async def refuse_unverified(request: Request, db: SessionDep) -> None:
    """Raise EmailNotVerified (403) for an unverified caller of a route that isn't open to all."""
    caller = context_of(request).principal
    if caller is not None:
        await require_verified(db, caller.user_id)


async def require_verified(db: UnitOfWork, user_id: int) -> None:
    """Raise EmailNotVerified (403) unless the account is verified: asked of the database each
    time, so that it holds in every process at once."""
    if await unverified.scalar(db, user_id=user_id) is not None:
        raise EmailNotVerified(CONFIRM_FIRST)
