"""Queries on roles, and on who has which."""

from dataclasses import dataclass

from fastcrud import FastCRUD
from sqlalchemy import String, bindparam, delete, func, label, select
from sqlmodel import col

from features.roles.models import (
    Role,
    RoleListed,
    RoleQuery,
    RoleRead,
    RoleUser,
    RoleUserQuery,
    UserRole,
)
from features.users.crud import LIVE as LIVE_USER
from features.users.models import User
from kernel.db import CompiledQuery, Listing, UnitOfWork

crud_roles = FastCRUD(Role)

listing = Listing(crud_roles, RoleListed, RoleQuery)
_holder = col(User.id) == col(UserRole.user_id)
users_of_role = Listing(
    FastCRUD(UserRole),
    RoleUser,
    RoleUserQuery,
    where=[select(col(User.id)).where(_holder, LIVE_USER).exists()],
    scope=["role_id"],
    expressions={"username": select(col(User.username)).where(_holder).scalar_subquery()},
)
# On the way of every call that needs a permission, when it isn't kept.
permissions_of_user = CompiledQuery(
    select(func.unnest(col(Role.permissions), type_=String()))
    .join(UserRole, col(UserRole.role_id) == col(Role.id))
    .where(col(UserRole.user_id) == bindparam("user_id"))
    .distinct(),
    str,
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A user whose roles are about to change."""

    user_id: int
    is_superuser: bool


# By hand for its lock: two who give a user roles at once, or delete the user, wait for each other.
lock_holder = CompiledQuery(
    select(label("user_id", col(User.id)), col(User.is_superuser))
    .where(col(User.username) == bindparam("username"), LIVE_USER)
    .with_for_update(key_share=True),
    Holder,
    writes=True,
)


async def role_by_name(unit: UnitOfWork, name: str, lock: bool = False) -> RoleRead | None:
    """The role; with `lock`, what is judged of it holds until the unit ends."""
    statement = select(Role).where(col(Role.name) == name)
    role = await unit.scalar(statement.with_for_update() if lock else statement)
    return None if role is None else RoleRead.model_validate(role)


async def roles_of_user(unit: UnitOfWork, user_id: int) -> list[RoleRead]:
    """The roles of a user, by name."""
    statement = (
        select(Role)
        .join(UserRole, col(UserRole.role_id) == col(Role.id))
        .where(col(UserRole.user_id) == user_id)
        .order_by(col(Role.name))
    )
    return [RoleRead.model_validate(role) for role in await unit.scalars(statement)]


async def give(unit: UnitOfWork, user_id: int, role_id: int) -> None:
    """Give a role. One that is deleted at this moment is found out by the foreign key (404)."""
    unit.add(UserRole(user_id=user_id, role_id=role_id))
    await unit.flush()


async def take(unit: UnitOfWork, user_id: int, role_id: int) -> bool:
    """Take a role away; whether the user had it."""
    gone = delete(UserRole).where(
        col(UserRole.user_id) == user_id, col(UserRole.role_id) == role_id
    )
    taken = await unit.exec(gone.returning(col(UserRole.role_id)))
    return taken.scalar_one_or_none() is not None
