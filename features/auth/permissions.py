"""Who passes: the caller, the superuser, the user that a path names."""

from base64 import b64decode
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Annotated, Any, cast

from fastapi import Depends, Path
from pydantic import Field
from starlette.requests import HTTPConnection

from features.auth.credentials import account_of
from features.auth.further_step import admission, ask_further_step
from features.auth.principals import KnownUser, live_principal
from features.auth.step_up import NO_SESSION
from features.auth.tokens import Kind, signer
from features.users.crud import id_by_username, last_user_of_name
from features.users.models import USER_NOT_FOUND
from kernel.context import Identify, Principal, context_of, principal_of
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException, NotFoundException
from kernel.schemas import CleanText
from kernel.web import (
    NOT_YOURS,
    PRIVILEGES,
    Access,
    SessionDep,
    access,
    has_permissions,
    unauthenticated,
)

API_KEY_HEADER = b"x-api-key"
LOG_IN = "Log in for this: it needs a session."


async def identify(connection: HTTPConnection) -> KnownUser | None:
    """The caller behind the access token or, where a feature knows API keys, behind one of these;
    None without one, and for a bad one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    context, claims = context_of(connection), None
    if "." in token and scheme.lower() == "bearer":  # else it is no JWT
        claims = signer(context.resources.settings).read(token.strip(), Kind.ACCESS)
    by_key: Identify | None = context.resources.provider("identify_by_key")
    if by_key is not None and (claims is None or sends(connection, API_KEY_HEADER)):
        return cast("KnownUser | None", await by_key(connection))
    if claims is None:
        return None
    caller = await live_principal(context, claims)
    if caller is not None:
        context.admit = admission(context, caller)
    return caller


def sends(connection: HTTPConnection, *names: bytes) -> bool:
    """Whether the request has one of these headers."""
    # Not by `headers`, which decodes each, nor by any(): this is asked for every request.
    return not {name for name, _ in connection.scope["headers"]}.isdisjoint(names)


async def verify_basic(connection: HTTPConnection) -> Principal | None:
    """The user behind an HTTP Basic header (RFC 7617), without a session; None for a bad one.

    Each use counts as a login, and where that takes a further step, a password isn't enough. Raises
    UnauthorizedException (401) then, and RateLimitException (429) after too many wrong ones.
    """
    scheme, _, encoded = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    if not colon:
        return None
    async with context_of(connection).resources.unit() as unit:
        account = await account_of(connection, unit, name, password)
        if account is None:
            return None
        await ask_further_step(connection, unit, account, "basic")
    return Principal(
        account.id, NO_SESSION, account.username, account.is_superuser, account.tier_id
    )


@access(Access.OPTIONAL)
async def optional_user(connection: HTTPConnection) -> Principal | None:
    """The caller, or None. Without a token or a key the answer is the public one."""
    if not sends(connection, b"authorization", API_KEY_HEADER):
        return None
    return await principal_of(connection)


@access(Access.USER)
async def current_user(connection: HTTPConnection) -> KnownUser:
    """The caller. The route has refused anonymous ones before the body was read."""
    principal = await principal_of(connection)
    if principal is None:
        raise unauthenticated(connection)
    assert isinstance(principal, KnownUser), "identify is this feature's"
    return principal


@access(Access.USER)
async def current_session(connection: HTTPConnection) -> KnownUser:
    """The caller, who has logged in. Raises ForbiddenException (403) for one with an API key."""
    caller = await current_user(connection)
    if caller.session_id == NO_SESSION:
        raise ForbiddenException(LOG_IN)
    return caller


@access(Access.SUPER)
async def super_user(connection: HTTPConnection) -> KnownUser:
    """The caller, who is a superuser. A route has refused others before the body was read; a
    websocket does so here."""
    caller = await current_user(connection)
    if not caller.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    return caller


@access(Access.OWNER)
async def session_owner(
    caller: Annotated[KnownUser, Depends(current_session)],
) -> int | None:
    """Whose sessions the caller may end: the caller's own, and (None) anybody's as a superuser.

    The statement that ends one asks for its owner, so that others' sessions aren't found.
    """
    return None if caller.is_superuser else caller.user_id


OptionalUser = Annotated[Principal | None, Depends(optional_user)]
CurrentUser = Annotated[KnownUser, Depends(current_user)]
CurrentSession = Annotated[KnownUser, Depends(current_session)]
SuperUser = Annotated[KnownUser, Depends(super_user)]
SessionOwner = Annotated[int | None, Depends(session_owner)]

UsernameInPath = Annotated[CleanText, Path(), Field(max_length=254)]


async def path_user(username: str, db: UnitOfWork) -> int:
    """The id of the live user of that name. Raises NotFoundException (404)."""
    user_id = await id_by_username.scalar(db, username=username)
    if user_id is None:
        raise NotFoundException(USER_NOT_FOUND)
    return user_id


@access(Access.SELF)
async def own_user_id(username: UsernameInPath, caller: CurrentUser, db: SessionDep) -> int:
    """The id of the user that the path names: the caller, or anyone when a superuser calls.

    Raises NotFoundException (404), then ForbiddenException (403).
    """
    if username == caller.username:
        return caller.user_id
    user_id = await path_user(username, db)
    if not caller.is_superuser:
        raise ForbiddenException(NOT_YOURS)
    return user_id


# The id of the user in the path `{username}`, whom the caller acts for.
OwnUserId = Annotated[int, Depends(own_user_id)]


async def path_user_id(username: UsernameInPath, db: SessionDep) -> int:
    """The id of the user that the path names, for any caller. Raises NotFoundException (404)."""
    return await path_user(username, db)


# The id of the user in the path `{username}`; who may call is said by another dependency.
PathUserId = Annotated[int, Depends(path_user_id)]


async def past_user_id(username: UsernameInPath, db: SessionDep) -> int:
    """The id of the live user of that name, else of the one that was deleted last.

    Raises NotFoundException (404).
    """
    user = await last_user_of_name.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    return user.id


# As PathUserId; deleted users keep the name, too, until they are gone for good.
PastUserId = Annotated[int, Depends(past_user_id)]


def Requires(permission: str) -> Any:  # noqa: N802 - it reads as FastAPI's Depends does
    """The caller, who has the permission of that name or is a superuser:
    `Annotated[KnownUser, Requires("invoices.approve")]`. Others get 403, before the body is read.

    The route's declaration is all that makes a permission; features/roles gives it to users.
    """
    return Depends(_holder_of(permission))


def SelfOr(permission: str) -> Any:  # noqa: N802
    """As OwnUserId, and a holder of the permission acts for anyone:
    `Annotated[int, SelfOr("posts.moderate")]`."""
    return Depends(_self_or_holder_of(permission))


@cache  # so that FastAPI, too, knows two of one name as the same dependency
def _holder_of(permission: str) -> Callable[..., Coroutine[Any, Any, KnownUser]]:
    @access(Access.PERMISSION, permission)
    async def permission_holder(connection: HTTPConnection) -> KnownUser:
        caller = await current_user(connection)
        # A route has refused others before the body was read; a websocket does so here.
        if not await has_permissions(connection, caller, [permission]):
            raise ForbiddenException(PRIVILEGES)
        return caller

    return permission_holder


@cache
def _self_or_holder_of(permission: str) -> Callable[..., Coroutine[Any, Any, int]]:
    @access(Access.SELF, permission)
    async def acting_user_id(
        connection: HTTPConnection, username: UsernameInPath, caller: CurrentUser, db: SessionDep
    ) -> int:
        if username == caller.username:
            return caller.user_id
        user_id = await path_user(username, db)
        if not await has_permissions(connection, caller, [permission]):
            raise ForbiddenException(NOT_YOURS)
        return user_id

    return acting_user_id
