"""Routes of the providers, and of the caller's accounts there."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from features.auth.permissions import CurrentSession
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.sign_in.crud import crud_identities, listing, unlink
from features.sign_in.models import IdentityQuery, IdentityRead, ProviderRead, ProvidersRead
from features.sign_in.permissions import settings_of
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import ConflictException, NotFoundException
from kernel.schemas import Message, PathId
from kernel.web import Access, SessionDep, access

IDENTITY_NOT_FOUND = "Identity not found"
LAST_WAY = "The account has no password and no other sign-in: set a password first."

router = APIRouter()


@router.get("/sign-in/providers", response_model=ProvidersRead)
@access(Access.PUBLIC)
async def read_providers(request: Request) -> ProvidersRead:
    """List the providers that people may sign in by."""
    return ProvidersRead(
        providers=[
            ProviderRead(
                name=one.name,
                title=one.title,
                issuer=one.issuer,
                path=f"/api/v1/sign-in/{one.name}",
            )
            for one in settings_of(request).providers.values()
        ]
    )


@router.get("/sign-in/identities", response_model=pages_of(IdentityRead))
async def read_identities(
    query: Annotated[IdentityQuery, Query()], caller: CurrentSession, db: SessionDep
) -> JSONBytesResponse:
    """List the accounts at providers by which you can sign in to yours."""
    return await listing.answer(db, query, user_id=caller.user_id)


@router.delete("/sign-in/identity/{id}", response_model=Message)
async def erase_identity(
    id: PathId, caller: CurrentSession, request: Request, db: SessionDep
) -> Message:
    """Unlink an account at a provider from yours.

    Refused where it is your last way in. Needs a password that was entered lately (POST /step-up,
    or POST /sign-in/{provider}/step-up).
    """
    await require_recent_password(db, caller)
    if not await crud_identities.exists(db, id=id, user_id=caller.user_id):
        raise NotFoundException(IDENTITY_NOT_FOUND)
    issuers = [one.issuer for one in settings_of(request).providers.values()]
    if not await unlink.scalar(db, identity_id=id, user_id=caller.user_id, issuers=issuers):
        raise ConflictException(LAST_WAY)
    record_after_commit(db, "identity unlinked", request, user=caller.user_id, identity=id)
    return Message(message="Identity unlinked")
