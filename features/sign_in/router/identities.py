"""Routes of the providers, and of the caller's accounts there."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from features.auth import sessions
from features.auth.permissions import CurrentSession, SuperUser, UsernameInPath, path_user
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.sign_in.crud import crud_identities, listing, unlink, unlink_all
from features.sign_in.events import SignInUnlinked
from features.sign_in.models import (
    LAST_WAY,
    IdentityQuery,
    IdentityRead,
    ProviderRead,
    ProvidersRead,
)
from features.sign_in.permissions import settings_of
from features.users.crud import account_by_id
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import ConflictException, NotFoundException
from kernel.events import emit
from kernel.schemas import Message, PathId
from kernel.web import Access, SessionDep, access

IDENTITY_NOT_FOUND = "Identity not found"
NO_IDENTITY = "The account has no sign-in."
NO_PASSWORD = "The account has no password, and would have no way in: set one first."  # noqa: S105

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
    named = {"identity_id": id, "user_id": caller.user_id, "issuers": issuers}
    issuer = await unlink.scalar(db, **named)
    if issuer is None:
        raise ConflictException(LAST_WAY)
    await emit(db, SignInUnlinked(caller.user_id, issuer))
    record_after_commit(db, "identity unlinked", request, user=caller.user_id, identity=id)
    return Message(message="Identity unlinked")


@router.delete("/user/{username}/sign-in/identities", response_model=Message)
async def erase_user_identities(
    username: UsernameInPath,
    session: CurrentSession,
    caller: SuperUser,
    request: Request,
    db: SessionDep,
) -> Message:
    """Unlink all accounts at providers from a user's: where one was taken over, say. The user's
    sessions end.

    Refused where the account has no password, since nothing would lead in. Needs a step-up.
    """
    user_id = await path_user(username, db)
    await require_recent_password(db, caller)
    if not await crud_identities.exists(db, user_id=user_id):
        raise NotFoundException(NO_IDENTITY)
    account = await account_by_id.one(db, user_id=user_id)
    if account is None or account.hashed_password is None:
        raise ConflictException(NO_PASSWORD)
    await unlink_all(db, user_id)
    await sessions.end_all(db, user_id, reason="sign-ins unlinked")
    await emit(db, SignInUnlinked(user_id, None))
    record_after_commit(db, "identities unlinked", request, user=user_id)
    return Message(message="Identities unlinked")
