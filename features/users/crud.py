"""Queries on users."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastcrud import FastCRUD, PolicyConfig
from sqlalchemy import BindParameter, bindparam, case, false, func, select, true, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import aliased
from sqlmodel import col

from features.users.events import UserChanged, UserDeleted, UserRegistered
from features.users.models import (
    Account,
    User,
    UserCreateInternal,
    UserId,
    UserQuery,
    UserRead,
)
from kernel.cache import erase, forget_argument
from kernel.db import CompiledQuery, Listing, UnitOfWork, now
from kernel.events import emit

LIVE = col(User.is_deleted) == false()

# Every user, soft-deleted ones too; and those whom requests may know of.
crud_all_users = FastCRUD(User)
crud_users = crud_all_users.with_policy(PolicyConfig(read=LIVE, create=True, update=LIVE))

listing = Listing(crud_users, UserRead, UserQuery)

_by_email = func.lower(col(User.email)) == func.lower(bindparam("email"))
_id: BindParameter[int] = bindparam("user_id")
_username: BindParameter[str] = bindparam("username")

user_by_id = CompiledQuery(crud_users.select(schema_to_select=UserRead, id=_id), UserRead)
user_by_username = CompiledQuery(
    crud_users.select(schema_to_select=UserRead, username=_username), UserRead
)
id_by_username = CompiledQuery(crud_users.select(schema_to_select=UserId, username=_username), int)
id_by_email = CompiledQuery(crud_users.select(schema_to_select=UserId, where=_by_email), int)
account_by_id = CompiledQuery(crud_users.select(schema_to_select=Account, id=_id), Account)
account_by_username = CompiledQuery(
    crud_users.select(schema_to_select=Account, username=_username), Account
)
account_by_email = CompiledQuery(
    crud_users.select(schema_to_select=Account, where=_by_email), Account
)

# Live or deleted, if that user has, or had last, that name.
named_user = CompiledQuery(
    crud_all_users.select(schema_to_select=UserRead, id=_id, username=_username), UserRead
)
# The live user of that name, else the one that was deleted last.
last_user_of_name = CompiledQuery(
    crud_users.with_policy(None).select(
        UserRead,
        sort_columns=["is_deleted", "deleted_at", "id"],
        sort_orders=["asc", "desc", "desc"],
        username=bindparam("username"),
    ),
    UserRead,
)


class Names(NamedTuple):
    """What a user is known by; without an address that another account has by now."""

    username: str
    email: str | None


@dataclass(frozen=True, slots=True)
class RemovalCandidate:
    """A user who is about to be removed, or to lose the role of a superuser."""

    user_id: int
    username: str
    is_last_superuser: bool
    known_as: tuple[str, ...] = field(default=(), compare=False)
    """Username, e-mail address and name."""


async def names_of(unit: UnitOfWork, user_id: int) -> Names:
    """What a user, live or deleted, is known by. Raises NoResultFound."""
    # By hand, for a table joined to itself.
    other = aliased(User)
    same = func.lower(col(other.email)) == func.lower(col(User.email))
    taken = select(col(other.id)).where(
        same, col(other.id) != col(User.id), col(other.is_deleted) == false()
    )
    own_email = case((~taken.exists(), col(User.email)))
    found = await unit.execute(select(col(User.username), own_email).where(col(User.id) == user_id))
    return Names(*found.one())


async def create_user(unit: UnitOfWork, user: UserCreateInternal) -> int:
    """Store a new user and emit UserRegistered. Returns its id."""
    created = await crud_users.create(unit, user, schema_to_select=UserRead, return_as_model=True)
    await emit(unit, UserRegistered(created.id))
    return created.id


async def upgrade_hash(unit: UnitOfWork, user_id: int, old: str, new: str) -> None:
    """Store a costlier hash of the same password, unless the password has been changed."""
    with suppress(NoResultFound):
        await crud_all_users.update(unit, {"hashed_password": new}, id=user_id, hashed_password=old)


async def change_user(
    unit: UnitOfWork, user_id: int, values: Mapping[str, Any], version: int | None = None
) -> int | None:
    """Give a live user new values and emit UserChanged: the only way to change one.

    With `version`, only while the row still has it. Returns the id; None without such a user.
    """
    # By hand for its lock: joined to itself for the name before the change, which is the latest
    # one by that lock.
    before = (
        select(col(User.id), col(User.username))
        .where(col(User.id) == user_id, LIVE)
        .with_for_update(key_share=True)
        .subquery()
    )
    unchanged = true() if version is None else col(User.version) == version
    statement = (
        update(User)
        .where(col(User.id) == before.c.id, LIVE, unchanged)
        .values(**values, version=col(User.version) + 1, updated_at=now())
        .returning(before.c.username)
        .execution_options(synchronize_session=False)
    )
    username = await unit.scalar(statement)
    if username is None:
        return None
    if values.keys() & {"username", "is_deleted"}:
        # The next user of that name must not be answered with what was kept under it.
        forget_argument(unit, username=username)
    await emit(unit, UserChanged(user_id, frozenset(values)))
    return user_id


async def lock_for_removal(
    unit: UnitOfWork, user_id: int, deleted_too: bool = False
) -> RemovalCandidate | None:
    """Lock a live user (with `deleted_too`, a soft-deleted one too) before it is removed or loses
    the role, until the unit ends. None without such a user."""
    # By hand for its locks. A superuser goes only while all others are held: two who remove each
    # other at once lock them in the same order, and the second finds what the first has left.
    is_meant = col(User.id) == user_id
    superuser = col(User.is_superuser) & LIVE
    meant_superuser = select(col(User.id)).where(is_meant, superuser).exists()
    statement = (
        select(
            col(User.id),
            col(User.username),
            col(User.email),
            col(User.name),
            superuser.label("is_superuser"),
            col(User.is_deleted),
        )
        .where(is_meant | (superuser & meant_superuser))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )
    rows = (await unit.execute(statement)).all()
    user = next((row for row in rows if row.id == user_id), None)
    if user is None or (user.is_deleted and not deleted_too):
        return None
    is_last = user.is_superuser and len(rows) == 1
    known_as = (user.username, user.email, user.name)
    return RemovalCandidate(user_id, user.username, is_last_superuser=is_last, known_as=known_as)


async def soft_delete_user(unit: UnitOfWork, user_id: int) -> None:
    """Hide a user, who frees the username, the e-mail and the tier."""
    gone = {"is_deleted": True, "deleted_at": now(), "tier_id": None}
    if await change_user(unit, user_id, gone):
        await emit(unit, UserDeleted(user_id, for_good=False))


async def restore_user(unit: UnitOfWork, user_id: int) -> int | None:
    """Show a soft-deleted user again and emit UserChanged. Returns the id; None without such a
    user. Whose username or e-mail has been taken since is refused by the table."""
    shown = {"is_deleted": False, "deleted_at": None, "updated_at": now()}
    statement = (
        update(User)
        .where(col(User.id) == user_id, ~LIVE)
        .values(**shown, version=col(User.version) + 1)
        .returning(col(User.username))
        .execution_options(synchronize_session=False)
    )
    username = await unit.scalar(statement)
    if username is None:
        return None
    forget_argument(unit, username=username)
    await emit(unit, UserChanged(user_id, frozenset(shown)))
    return user_id


async def hard_delete_user(unit: UnitOfWork, user: RemovalCandidate) -> None:
    """Remove a user, live or soft-deleted, with all rows that belong to it."""
    # Handlers first: afterwards there is nothing left to look up.
    await emit(unit, UserDeleted(user.user_id, for_good=True))
    await crud_all_users.db_delete(unit, id=user.user_id)
    forget_argument(unit, username=user.username)
    erase(unit, *user.known_as)
