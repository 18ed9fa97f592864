"""Routes of API keys. None of them takes a key."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy.exc import NoResultFound

from features.api_keys import crud
from features.api_keys.crud import crud_api_keys
from features.api_keys.key_text import key_texts
from features.api_keys.models import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyCreateInternal,
    ApiKeyQuery,
    ApiKeyRead,
    ApiKeyUpdate,
)
from features.api_keys.permissions.routes import known_scopes
from features.api_keys.scopes import SUPERUSER
from features.api_keys.settings import ApiKeySettings
from features.auth.permissions import (
    CurrentSession,
    SessionOwner,
    SuperUser,
    UsernameInPath,
    path_user,
)
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from kernel.context import Principal
from kernel.db import JSONBytesResponse, now, pages_of
from kernel.errors import NotFoundException, UnprocessableEntityException
from kernel.schemas import Message, PathId
from kernel.web import SessionDep, unauthenticated

KEY_NOT_FOUND = "API key not found"
UNKNOWN_SCOPE = "A scope opens nothing that an API key of yours may do."
LASTS_TOO_LONG = "No API key lasts as long as that."
TOO_MANY = "The account has as many API keys as it may have."
# Dead ones are kept for a while: without a bound, making and revoking would fill the table.
KEPT = 10

router = APIRouter(tags=["api keys"])


@router.post("/api_key", status_code=201, response_model=ApiKeyCreated)
async def write_api_key(
    values: ApiKeyCreate, caller: CurrentSession, request: Request, db: SessionDep
) -> ApiKeyCreated:
    """Make an API key. It is shown this once.

    Needs a password that was entered lately (POST /step-up).
    """
    await require_recent_password(db, caller)
    settings = db.resources.settings.group(ApiKeySettings)
    days = settings.api_key_days if values.days is None else values.days
    if days > settings.api_key_max_days:
        raise UnprocessableEntityException(LASTS_TOO_LONG)
    refuse_unknown(request, caller, values.scopes)
    numbers = await crud.numbers_of(db, caller.user_id)
    if numbers is None:
        raise unauthenticated(request)
    live, kept = numbers
    if live >= settings.max_api_keys or kept >= settings.max_api_keys * KEPT:
        raise UnprocessableEntityException(TOO_MANY)
    text, key = key_texts(db.resources.settings).make(settings.api_key_prefix, caller.user_id)
    stored = ApiKeyCreateInternal(
        user_id=caller.user_id,
        prefix=key.prefix,
        hashed_key=key.hashes[0],
        expires_at=now() + timedelta(days=days),
        **values.model_dump(exclude={"days"}),
    )
    made = await crud_api_keys.create(db, stored, schema_to_select=ApiKeyRead, return_as_model=True)
    record_after_commit(db, "api key created", request, user=caller.user_id, key=made.id)
    return ApiKeyCreated(**made.model_dump(), key=text)


@router.get("/api_keys", response_model=pages_of(ApiKeyRead))
async def read_api_keys(
    query: Annotated[ApiKeyQuery, Query()], caller: CurrentSession, db: SessionDep
) -> JSONBytesResponse:
    """List your API keys, those that expired or were revoked lately, too."""
    return await crud.listing.answer(db, query, user_id=caller.user_id)


@router.get("/user/{username}/api_keys", response_model=pages_of(ApiKeyRead))
async def read_user_api_keys(
    username: UsernameInPath,
    query: Annotated[ApiKeyQuery, Query()],
    session: CurrentSession,
    caller: SuperUser,
    db: SessionDep,
) -> JSONBytesResponse:
    """List a user's API keys."""
    return await crud.listing.answer(db, query, user_id=await path_user(username, db))


@router.get("/api_key/{id}", response_model=ApiKeyRead)
async def read_api_key(id: PathId, owner: SessionOwner, db: SessionDep) -> ApiKeyRead:
    """Show one of your API keys or, as a superuser, anybody's."""
    whose: dict[str, Any] = {} if owner is None else {"user_id": owner}
    key: ApiKeyRead | None = await crud_api_keys.get(
        db, schema_to_select=ApiKeyRead, return_as_model=True, id=id, **whose
    )
    if key is None:
        raise NotFoundException(KEY_NOT_FOUND)
    return key


@router.patch("/api_key/{id}", response_model=Message)
async def patch_api_key(
    id: PathId, values: ApiKeyUpdate, caller: CurrentSession, request: Request, db: SessionDep
) -> Message:
    """Change one of your API keys: its name, or what it may call, which needs a password that was
    entered lately (POST /step-up)."""
    changes = values.model_dump(exclude_unset=True)
    if changes.keys() - {"name"}:
        await require_recent_password(db, caller)
    refuse_unknown(request, caller, changes.get("scopes", []))
    key = await crud_api_keys.get(
        db, schema_to_select=ApiKeyRead, return_as_model=True, id=id, user_id=caller.user_id
    )
    if key is None:
        raise NotFoundException(KEY_NOT_FOUND)
    try:
        await crud_api_keys.update(db, values, id=id, user_id=caller.user_id)
    except NoResultFound:
        raise NotFoundException(KEY_NOT_FOUND) from None
    crud.forget_key(db, caller.user_id, key.prefix)
    record_after_commit(db, "api key changed", request, user=caller.user_id, key=id)
    return Message(message="API key updated")


@router.delete("/api_key/{id}", response_model=Message)
async def erase_api_key(
    id: PathId, request: Request, owner: SessionOwner, db: SessionDep
) -> Message:
    """Revoke one of your API keys or, as a superuser, anybody's. It stops working at once."""
    whose = {} if owner is None else {"user_id": owner}
    revoked = await crud.revoke(db, id=id, **whose)
    if not revoked:
        raise NotFoundException(KEY_NOT_FOUND)
    for key in revoked:
        record_after_commit(db, "api key revoked", request, user=key.user_id, key=key.id)
    return Message(message="API key revoked")


@router.delete("/api_keys", response_model=Message)
async def erase_api_keys(request: Request, caller: CurrentSession, db: SessionDep) -> Message:
    """Revoke all of your API keys."""
    revoked = await crud.revoke(db, user_id=caller.user_id)
    ids = [key.id for key in revoked]
    record_after_commit(db, "api key revoked", request, user=caller.user_id, key=ids)
    return Message(message="API keys revoked")


def refuse_unknown(request: Request, caller: Principal, scopes: list[str]) -> None:
    """Raise UnprocessableEntityException (422) for a scope that opens nothing: one misspelt, or
    the rights of a superuser for who is none, and may become one."""
    known = known_scopes(request.app.state.feature_routes)
    if not (known if caller.is_superuser else known - {SUPERUSER}).issuperset(scopes):
        raise UnprocessableEntityException(UNKNOWN_SCOPE)
