"""What accounts may not do until their address is confirmed."""

from typing import Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from features.verification.requirement import require_verified
from features.verification.settings import VerificationSettings
from kernel.config import Settings
from kernel.context import context_of
from kernel.web import SessionDep

READS = {"GET", "HEAD", "OPTIONS"}
# Of their own account and sessions they dispose.
OPEN = ("features.auth.", "features.users.", "features.privacy.")


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
