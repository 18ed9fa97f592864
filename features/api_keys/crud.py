"""Queries on API keys. Moments are the process's, whose clock judges them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import ARRAY, DateTime, Integer, bindparam, column, false, func, select, update
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.api_keys.cache_keys import API_KEY
from features.api_keys.models import (
    ApiKey,
    ApiKeyQuery,
    ApiKeyRead,
    KeyPrefix,
)
from features.auth.crud import Caller
from features.users.models import User, UserRead
from kernel.cache import forget, forget_argument
from kernel.db import CompiledQuery, Listing, UnitOfWork, now

KEPT_DAYS = 30  # that dead keys stay

crud_api_keys = FastCRUD(ApiKey)
listing = Listing(crud_api_keys, ApiKeyRead, ApiKeyQuery, scope=["user_id"])


class KeyCaller(Caller):
    """The live user behind a key, and what the key is."""

    key_id: int
    hashed_key: str
    scopes: list[str]
    limit: int | None
    period: int
    expires_at: datetime
    revoked_at: datetime | None


# By hand, for the bench: a join, which FastCRUD's select doesn't write. The user's id is part of
# the question, so that a key can't be looked for under another user's name.
caller_by_key = CompiledQuery(
    select(
        *[getattr(User, name) for name in UserRead.model_fields],
        col(User.is_superuser),
        col(ApiKey.id).label("key_id"),
        col(ApiKey.hashed_key),
        col(ApiKey.scopes),
        col(ApiKey.limit),
        col(ApiKey.period),
        col(ApiKey.expires_at),
        col(ApiKey.revoked_at),
    )
    .join(ApiKey, col(ApiKey.user_id) == col(User.id))
    .where(
        col(ApiKey.prefix) == bindparam("prefix"),
        col(User.id) == bindparam("user_id"),
        col(User.is_deleted) == false(),
    ),
    KeyCaller,
)

_used = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Integer)),
        bindparam("moments", type_=ARRAY(DateTime(timezone=True))),
    )
    .table_valued(column("id", Integer), column("at", DateTime(timezone=True)))
    .render_derived("used")
)
_last = col(ApiKey.last_used_at)
# By hand: one statement for all keys. Of several processes one writes, within a minute.
_note_uses = CompiledQuery(
    update(ApiKey)
    .where(
        col(ApiKey.id) == _used.c.id,
        _last.is_(None) | (_last < _used.c.at - timedelta(minutes=1)),
    )
    .values(last_used_at=_used.c.at)
    .returning(col(ApiKey.id)),
    int,
    writes=True,
)


async def note_uses(unit: UnitOfWork, moments: Mapping[int, datetime]) -> None:
    """Store when these keys were used last."""
    await _note_uses.all(unit, ids=list(moments), moments=list(moments.values()))


async def hash_anew(unit: UnitOfWork, key_id: int, hashed_key: str) -> None:
    """Store the hash by the SECRET_KEY of today, in place of one by an earlier one; processes that
    have only today's look it up anew."""
    key = await unit.get(ApiKey, key_id)
    if key is not None:
        key.hashed_key = hashed_key
        forget(unit, API_KEY.format(prefix=key.prefix))


async def numbers_of(unit: UnitOfWork, user_id: int) -> tuple[int, int] | None:
    """How many keys of the user are live, and how many are kept; None when the user is gone."""
    # Two who make a key at once wait for each other; and for a removal of the user.
    user = await unit.get(User, user_id, with_for_update={"key_share": True})
    if user is None or user.is_deleted:
        return None
    live = await crud_api_keys.count(unit, user_id=user_id, revoked_at=None, expires_at__gt=now())
    return live, await crud_api_keys.count(unit, user_id=user_id)


async def revoke(unit: UnitOfWork, **which: Any) -> list[KeyPrefix]:
    """Revoke the keys that match FastCRUD's filters and aren't revoked yet; return them.

    They stop working once the unit has committed.
    """
    keys: list[KeyPrefix] = []
    with suppress(NoResultFound):
        revoked = await crud_api_keys.update(
            unit,
            {"revoked_at": now()},
            allow_multiple=True,
            return_as_model=True,
            schema_to_select=KeyPrefix,
            revoked_at=None,
            **which,
        )
        keys = revoked["data"]
    for key in keys:
        forget_key(unit, key.user_id, key.prefix)
    return keys


def forget_key(unit: UnitOfWork, user_id: int, prefix: str) -> None:
    """Once the unit has committed: look the key up anew, and what was kept for its caller."""
    forget(unit, API_KEY.format(prefix=prefix))
    forget_argument(unit, principal=user_id)


async def purge(unit: UnitOfWork) -> int:
    """Remove keys that have been dead for KEPT_DAYS. Returns how many went."""
    before = now() - timedelta(days=KEPT_DAYS)
    kept = await crud_api_keys.count(unit)
    # Either finds nothing to delete, at times.
    with suppress(NoResultFound):
        await crud_api_keys.db_delete(unit, allow_multiple=True, expires_at__lt=before)
    with suppress(NoResultFound):
        await crud_api_keys.db_delete(unit, allow_multiple=True, revoked_at__lt=before)
    return kept - await crud_api_keys.count(unit)
