"""Queries on users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import bindparam, delete, false, func, select, update
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
from kernel.events import emit
from kernel.listing import Listing
from kernel.statements import Statement
from kernel.tables import now
from kernel.unit_of_work import UnitOfWork

CRUDUsers: TypeAlias = FastCRUD[
    User, UserCreateInternal, UserUpdate, UserUpdateInternal, UserDelete, UserRead
]
crud_users: CRUDUsers = FastCRUD(User)

LIVE = col(User.is_deleted) == false()
listing = Listing(User, UserRead, UserQuery, where=[LIVE])


def _shown(*where: Any) -> Statement:
    return Statement(select(*[getattr(User, name) for name in UserRead.model_fields]).where(*where))


def _account(*where: Any) -> Statement:
    columns = [
        col(User.id),
        col(User.name),
        col(User.username),
        col(User.email),
        col(User.is_superuser),
        col(User.tier_id),
        col(User.hashed_password),
        col(User.version),
    ]
    return Statement(select(*columns).where(*where))


_by_username = col(User.username) == bindparam("username")
_by_email = func.lower(col(User.email)) == func.lower(bindparam("email"))
_by_id = col(User.id) == bindparam("user_id")

# What UserRead shows of a live user.
user_by_id = _shown(_by_id, LIVE)
user_by_username = _shown(_by_username, LIVE)
# What a login needs of a live user: never an answer.
account_by_id = _account(_by_id, LIVE)
account_by_username = _account(_by_username, LIVE)
account_by_email = _account(_by_email, LIVE)
# The id of a live user.
id_by_username = Statement(select(col(User.id)).where(_by_username, LIVE))
id_by_email = Statement(select(col(User.id)).where(_by_email, LIVE))
# A live user of that name, else the one that was soft-deleted last.
removable_by_username = Statement(
    select(col(User.id), col(User.is_deleted), col(User.is_superuser))
    .where(_by_username)
    .order_by(col(User.is_deleted), col(User.deleted_at).desc(), col(User.id).desc())
    .limit(1)
)
# Makes those who remove superusers queue, so that each sees what the one before has left.
_queue_up = Statement(select(func.pg_advisory_xact_lock(0x5AFE)), writes=True)
_live_superuser = Statement(select(col(User.id)).where(col(User.is_superuser), LIVE).limit(1))


@dataclass(frozen=True, slots=True)
class Before:
    """What a user was before a change."""

    username: str
    was_superuser: bool


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


async def change_user(
    unit: UnitOfWork, user_id: int, values: Mapping[str, Any], version: int | None = None
) -> Before | None:
    """Give a live user new values and tell the other features: the only way to change one.

    With `version`, only while the row still has it. None when there is no such user.
    """
    # Joined to itself for what the user was before; the lock makes that the latest state.
    before = (
        select(col(User.id), col(User.username), col(User.is_superuser))
        .where(col(User.id) == user_id)
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
        .returning(before.c.username, before.c.is_superuser)
        .execution_options(synchronize_session=False)
    )
    row = (await unit.execute(statement)).first()
    if row is None:
        return None
    was = Before(*row)
    if values.keys() & {"username", "is_deleted"}:
        # Whoever bears the name next must not be answered with what was kept under it.
        forget_argument(unit, username=was.username)
    await emit(unit, UserChanged(user_id, frozenset(values)))
    return was


async def soft_delete_user(unit: UnitOfWork, user_id: int) -> Before | None:
    """Hide a user, who frees the username and the e-mail. None when there is no such user."""
    was = await change_user(unit, user_id, {"is_deleted": True, "deleted_at": now()})
    if was is not None:
        await emit(unit, UserDeleted(user_id, for_good=False))
    return was


async def hard_delete_user(unit: UnitOfWork, user_id: int) -> None:
    """Remove a user, live or soft-deleted, with all rows that belong to it."""
    # Handlers first: afterwards there is nothing left to look up.
    await emit(unit, UserDeleted(user_id, for_good=True))
    removal = delete(User).where(col(User.id) == user_id).returning(col(User.username))
    if username := await unit.scalar(removal):
        forget_argument(unit, username=username)


async def is_superuser_left(unit: UnitOfWork) -> bool:
    """Whether there is a live superuser, after the unit's own changes; holds until it ends."""
    await _queue_up.scalar(unit)
    return await _live_superuser.scalar(unit) is not None
