"""Who manages roles, and what they can't give: more than they have themselves."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from features.auth.permissions import Requires
from features.auth.principals import KnownUser
from features.auth.security_log import record
from features.auth.throttle import acquire
from features.roles import crud
from features.roles.declared import declared_permissions
from features.roles.models import MAX_ROLES, ROLE_NOT_FOUND, RoleRead
from features.roles.settings import RoleSettings
from features.users.models import USER_NOT_FOUND
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import (
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnprocessableEntityException,
)
from kernel.rate_limit import Quota, Rule
from kernel.web import has_permissions

UNKNOWN_PERMISSION = "Unknown permission"
BEYOND_OWN = "This role may do more than you."
TOO_MANY = f"A user has at most {MAX_ROLES} roles"
OF_SUPERUSER = "Only superusers change the roles of a superuser."

RoleReader = Annotated[KnownUser, Requires("roles.manage")]


async def role_editor(request: Request, caller: RoleReader) -> KnownUser:
    """The caller, who may change roles now: each attempt counts, refused ones too.

    Raises RateLimitException (429).
    """
    settings = context_of(request).resources.settings.group(RoleSettings)
    rule = Rule(settings.role_change_limit, settings.role_change_period)
    await acquire(request, Quota(f"roles:{caller.user_id}", rule), user_id=caller.user_id)
    return caller


RoleEditor = Annotated[KnownUser, Depends(role_editor)]


def refuse_unknown(request: Request, permissions: Iterable[str]) -> None:
    """Raise UnprocessableEntityException (422) for a permission that no route asks for."""
    if not declared_permissions(request.app.routes).keys() >= set(permissions):
        record("unknown permission", request)
        raise UnprocessableEntityException(UNKNOWN_PERMISSION)


async def refuse_beyond_own(
    request: Request, caller: KnownUser, permissions: Iterable[str]
) -> None:
    """Raise ForbiddenException (403) unless the caller has all of these, so that none becomes more
    than the one who gave it."""
    if not await has_permissions(request, caller, permissions):
        record("role refused", request)
        raise ForbiddenException(BEYOND_OWN)


def refuse_one_more(held: Sequence[RoleRead]) -> None:
    """Raise ConflictException (409) where a user has as many roles as one may."""
    if len(held) >= MAX_ROLES:
        raise ConflictException(TOO_MANY)


async def named_role(db: UnitOfWork, name: str) -> RoleRead:
    """The role that the path names. Raises NotFoundException (404)."""
    role = await crud.role_by_name(db, name)
    if role is None:
        raise NotFoundException(ROLE_NOT_FOUND)
    return role


async def changeable_role(
    request: Request, db: UnitOfWork, caller: KnownUser, name: str
) -> RoleRead:
    """The role that the path names, locked until the unit ends.

    Raises NotFoundException (404), and ForbiddenException (403) for one beyond the own permissions.
    """
    role = await crud.role_by_name(db, name, lock=True)
    if role is None:
        raise NotFoundException(ROLE_NOT_FOUND)
    await refuse_beyond_own(request, caller, role.permissions)
    return role


async def changeable_holder(
    request: Request, db: UnitOfWork, caller: KnownUser, username: str, name: str
) -> tuple[int, RoleRead]:
    """The id of the user that the path names, locked until the unit ends, and the role.

    Raises NotFoundException (404) for either, and ForbiddenException (403) for a superuser, whom
    only superusers touch, and for a role that holds more than the caller.
    """
    holder = await crud.lock_holder.one(db, username=username)
    if holder is None:
        raise NotFoundException(USER_NOT_FOUND)
    role = await named_role(db, name)
    if holder.is_superuser and not caller.is_superuser:
        record("role refused", request, user=holder.user_id)
        raise ForbiddenException(OF_SUPERUSER)
    await refuse_beyond_own(request, caller, role.permissions)
    return holder.user_id, role
