"""Queries on users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import ColumnElement, bindparam, delete, false, func, select, true, update
from sqlmodel import col

from features.users.events import UserChanged, UserDeleted, UserRegistered
from features.users.models import (
    User,
    UserCreateInternal,
    UserDelete,
    UserQuery,
    UserRead,
    UserUpdate,
    UserUpdateInternal,
)
from kernel.cache import forget_argument
from kernel.db import CompiledQuery, Listing, Row, UnitOfWork, now
from kernel.events import emit

CRUDUsers: TypeAlias = FastCRUD[
    User, UserCreateInternal, UserUpdate, UserUpdateInternal, UserDelete, UserRead
]
crud_users: CRUDUsers = FastCRUD(User)

# UserRef a query is about: a live user, by id or by username.
UserRef: TypeAlias = int | str

LIVE = col(User.is_deleted) == false()
listing = Listing(crud_users, UserRead, UserQuery, where=[LIVE])


def _is(user_ref: UserRef) -> ColumnElement[bool]:
    return (col(User.id) if isinstance(user_ref, int) else col(User.username)) == user_ref


_shown = [getattr(User, name) for name in UserRead.model_fields]
_account = [*_shown, col(User.is_superuser), col(User.hashed_password), col(User.version)]
_by_username = col(User.username) == bindparam("username")
_by_email = func.lower(col(User.email)) == func.lower(bindparam("email"))
_by_id = col(User.id) == bindparam("user_id")

# What UserRead shows of a live user.
user_by_id = CompiledQuery(select(*_shown).where(_by_id, LIVE))
user_by_username = CompiledQuery(select(*_shown).where(_by_username, LIVE))
# What a login needs of a live user: never an answer.
account_by_id = CompiledQuery(select(*_account).where(_by_id, LIVE))
account_by_username = CompiledQuery(select(*_account).where(_by_username, LIVE))
account_by_email = CompiledQuery(select(*_account).where(_by_email, LIVE))
# The id of a live user.
id_by_username = CompiledQuery(select(col(User.id)).where(_by_username, LIVE))
id_by_email = CompiledQuery(select(col(User.id)).where(_by_email, LIVE))

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


@dataclass(frozen=True, slots=True)
class RemovalCandidate:
    """A user who is about to be removed, or to lose the role of a superuser."""

    user_id: int
    is_last_superuser: bool


async def create_user(unit: UnitOfWork, user: UserCreateInternal) -> int:
    """Store a new user and tell the other features. Returns its id."""
    stored = User.model_validate(user)
    unit.add(stored)
    await unit.flush()
    assert stored.id is not None
    await emit(unit, UserRegistered(stored.id))
    return stored.id


async def upgrade_hash(unit: UnitOfWork, user_id: int, old: str, new: str) -> None:
    """Store a costlier hash of the same password, unless the password has been changed."""
    await unit.execute(
        update(User)
        .where(col(User.id) == user_id, col(User.hashed_password) == old)
        .values(hashed_password=new)
    )


async def account_of(unit: UnitOfWork, user_ref: UserRef) -> Row | None:
    """What a login needs of a live user: never an answer."""
    if isinstance(user_ref, int):
        return await account_by_id.one(unit, user_id=user_ref)
    return await account_by_username.one(unit, username=user_ref)


async def change_user(
    unit: UnitOfWork, user_ref: UserRef, values: Mapping[str, Any], version: int | None = None
) -> int | None:
    """Give a live user new values and tell the other features: the only way to change one.

    With `version`, only while the row still has it. Returns the id; None without such a user.
    """
    # Joined to itself for the name before the change; the lock makes that the latest one.
    before = (
        select(col(User.id), col(User.username))
        .where(_is(user_ref), LIVE)
        .with_for_update(key_share=True)
        .subquery()
    )
    where = [col(User.id) == before.c.id, LIVE]
    if version is not None:
        where.append(col(User.version) == version)
    statement = (
        update(User)
        .where(*where)
        .values(**values, version=col(User.version) + 1, updated_at=now())
        .returning(before.c.id, before.c.username)
        .execution_options(synchronize_session=False)
    )
    row = (await unit.execute(statement)).first()
    if row is None:
        return None
    user_id: int = row.id
    if values.keys() & {"username", "is_deleted"}:
        # Whoever bears the name next must not be answered with what was kept under it.
        forget_argument(unit, username=row.username)
    await emit(unit, UserChanged(user_id, frozenset(values)))
    return user_id


async def lock_for_removal(
    unit: UnitOfWork, user_ref: UserRef, deleted_too: bool = False
) -> RemovalCandidate | None:
    """Lock a live user before it is removed or loses the role, until the unit ends.

    With `deleted_too`, the one that was soft-deleted last where no live one has the name.
    None without such a user.
    """
    # A superuser goes only while all others are held: two who remove each other at once lock
    # them in the same order, and the second finds what the first has left.
    named = (
        select(col(User.id), (col(User.is_superuser) & LIVE).label("is_superuser"))
        .where(_is(user_ref), true() if deleted_too else LIVE)
        .order_by(col(User.is_deleted), col(User.deleted_at).desc(), col(User.id).desc())
        .limit(1)
        .cte("named")
    )
    is_named = col(User.id) == select(named.c.id).scalar_subquery()
    all_superusers = select(named.c.is_superuser).scalar_subquery()
    statement = (
        select(
            col(User.id),
            (col(User.is_superuser) & LIVE).label("is_superuser"),
            col(User.is_deleted),
            is_named.label("is_named"),
        )
        .where(is_named | (col(User.is_superuser) & LIVE & all_superusers))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )
    rows = (await unit.execute(statement)).all()
    user = next((row for row in rows if row.is_named), None)
    if user is None or (user.is_deleted and not deleted_too):
        return None
    return RemovalCandidate(user.id, is_last_superuser=user.is_superuser and len(rows) == 1)


async def soft_delete_user(unit: UnitOfWork, user_id: int) -> None:
    """Hide a user, who frees the username and the e-mail."""
    if await change_user(unit, user_id, {"is_deleted": True, "deleted_at": now()}):
        await emit(unit, UserDeleted(user_id, for_good=False))


async def hard_delete_user(unit: UnitOfWork, user_id: int) -> None:
    """Remove a user, live or soft-deleted, with all rows that belong to it."""
    # Handlers first: afterwards there is nothing left to look up.
    await emit(unit, UserDeleted(user_id, for_good=True))
    removal = delete(User).where(col(User.id) == user_id).returning(col(User.username))
    if username := await unit.scalar(removal):
        forget_argument(unit, username=username)
