"""The caller of a request: the live user behind the live session that its token names."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

import orjson

from features.auth.cache_keys import PRINCIPAL, SESSION
from features.auth.crud import Caller, principal_by_session
from features.auth.tokens import Claims
from features.users.cache_keys import USER
from features.users.models import UserRead
from kernel.cache import KeptPermissionsOf, fetch_rights, forget
from kernel.context import Principal, RequestContext
from kernel.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class KnownUser(Principal):
    """A caller with a token: the principal, and what the caller sees of the own account."""

    shown: bytes
    """UserRead in JSON."""


async def live_principal(context: RequestContext, claims: Claims) -> KnownUser | None:
    """Who the token speaks for at this moment; None when its session or its user is gone.

    One round trip to Redis, and no SQL while nothing has changed. That one is gone is kept, too:
    it never comes back to life.
    """
    user_id, session_id = claims.user_id, claims.session_id
    found = await fetch_caller(
        context,
        user_id,
        PRINCIPAL.format(user_id=user_id, session_id=session_id),
        [USER.format(user_id=user_id), SESSION.format(session_id=session_id)],
        partial(_load, claims),
    )
    if not found:
        return None
    return known_user(found, user_id, session_id)


async def fetch_caller(
    context: RequestContext,
    user_id: int,
    key: str,
    names: Iterable[str],
    load: Callable[[UnitOfWork], Awaitable[bytes]],
) -> bytes | None:
    """As `fetch_rights`; where the route names permissions, those that are kept of the user come in
    the same round trip."""
    rights = fetch_rights(context, key, names, load)
    kept_permissions_of: KeptPermissionsOf | None = None
    if context.names_permissions:
        kept_permissions_of = context.resources.provider("kept_permissions_of")
    if kept_permissions_of is None:
        return await rights
    # The task begins before what is sent here leaves, so that both leave together.
    permissions = asyncio.ensure_future(kept_permissions_of(context, user_id))
    try:
        return await rights
    finally:
        context.permissions = await permissions


def known_user(kept: bytes, user_id: int, session_id: int) -> KnownUser:
    """The caller, from what `as_kept` has made of the row."""
    values, _, shown = kept.partition(b"\n")
    username, is_superuser, tier_id = orjson.loads(values)
    return KnownUser(user_id, session_id, username, is_superuser, tier_id, shown)


async def _load(claims: Claims, unit: UnitOfWork) -> bytes:
    caller = await principal_by_session.one(
        unit, user_id=claims.user_id, session_id=claims.session_id
    )
    return b"" if caller is None else as_kept(caller)


def as_kept(caller: Caller) -> bytes:
    """What is kept of a caller: a line of what permissions ask for, and UserRead in JSON."""
    values = orjson.dumps([caller.username, caller.is_superuser, caller.tier_id])
    return values + b"\n" + caller.model_dump_json(include=set(UserRead.model_fields)).encode()


def forget_principal(
    unit: UnitOfWork, *, user_id: int | None = None, session_id: int | None = None
) -> None:
    """Once the unit has committed, load this user, or the user of this session, anew.

    Every change of what a principal or UserRead says, every deletion and every end of a session
    comes through here.
    """
    if user_id is not None:
        forget(unit, USER.format(user_id=user_id))
    if session_id is not None:
        forget(unit, SESSION.format(session_id=session_id))
