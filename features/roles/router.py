"""Routes of roles, of who has them, and of what they may allow."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import MISSING

from features.auth.permissions import CurrentUser, PathUserId, UsernameInPath
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.roles import crud, permissions
from features.roles.crud import crud_roles
from features.roles.declared import declared_permissions
from features.roles.grants import forget_permissions, permissions_of
from features.roles.models import (
    DeclaredPermissions,
    OwnPermissions,
    RoleChange,
    RoleCreate,
    RoleListed,
    RoleQuery,
    RoleRead,
    RoleUser,
    RoleUserQuery,
    UserRoles,
)
from features.roles.permissions import RoleEditor, RoleReader, named_role
from kernel.context import context_of
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import NotFoundException
from kernel.schemas import CleanText, Message
from kernel.web import SessionDep

NOT_GIVEN = "The user doesn't have this role"

router = APIRouter(tags=["roles"])


def as_declared(request: Request, role: RoleRead) -> RoleRead:
    """The role, with the permissions apart that no route asks for any more."""
    known = declared_permissions(request.app.routes)
    role.unknown_permissions = [name for name in role.permissions if name not in known]
    role.permissions = [name for name in role.permissions if name in known]
    return role


@router.get("/permissions", response_model=DeclaredPermissions)
async def read_permissions(request: Request, caller: RoleReader) -> DeclaredPermissions:
    """Show every permission that can be given, and the routes that ask for it."""
    found = declared_permissions(request.app.routes)
    return DeclaredPermissions(
        permissions={name: dict(sorted(found[name].items())) for name in sorted(found)}
    )


@router.get("/user/me/permissions", response_model=OwnPermissions)
async def read_own_permissions(request: Request, caller: CurrentUser) -> OwnPermissions:
    """Show what you may do by your roles. A superuser may do everything."""
    names = set(declared_permissions(request.app.routes))
    if not caller.is_superuser:
        names &= await permissions_of(context_of(request), caller.user_id)
    return OwnPermissions(permissions=sorted(names), is_superuser=caller.is_superuser)


@router.post("/role", status_code=201, response_model=RoleRead)
async def write_role(
    values: RoleCreate, caller: RoleEditor, request: Request, db: SessionDep
) -> RoleRead:
    """Create a role, of permissions that you have yourself."""
    permissions.refuse_unknown(request, values.permissions)
    await permissions.refuse_beyond_own(request, caller, values.permissions)
    await require_recent_password(db, caller)
    role = await crud_roles.create(db, values, schema_to_select=RoleRead, return_as_model=True)
    record_after_commit(db, "role created", request, role=role.id, permissions=role.permissions)
    return role


@router.get("/roles", response_model=pages_of(RoleListed))
async def read_roles(
    query: Annotated[RoleQuery, Query()], caller: RoleReader, db: SessionDep
) -> JSONBytesResponse:
    """List the roles."""
    return await crud.listing.answer(db, query)


@router.get("/role/{name}", response_model=RoleRead)
async def read_role(
    name: CleanText, request: Request, caller: RoleReader, db: SessionDep
) -> RoleRead:
    """Show a role."""
    return as_declared(request, await named_role(db, name))


@router.patch("/role/{name}", response_model=Message)
async def patch_role(
    name: CleanText, values: RoleChange, caller: RoleEditor, request: Request, db: SessionDep
) -> Message:
    """Rename a role, or let it allow something else, within what you may do yourself.

    It holds for every user of the role from the next request on.
    """
    role = await permissions.changeable_role(request, db, caller, name)
    if values.permissions is not MISSING:
        permissions.refuse_unknown(request, values.permissions)
        await permissions.refuse_beyond_own(request, caller, values.permissions)
    await require_recent_password(db, caller)
    await crud_roles.update(db, values, id=role.id)
    forget_permissions(db)
    changed = sorted(values.model_fields_set)
    record_after_commit(db, "permissions changed", request, role=role.id, columns=changed)
    return Message(message="Role updated")


@router.delete("/role/{name}", response_model=Message)
async def erase_role(
    name: CleanText, caller: RoleEditor, request: Request, db: SessionDep
) -> Message:
    """Delete a role. Its users have it no more, from the next request on."""
    role = await permissions.changeable_role(request, db, caller, name)
    await require_recent_password(db, caller)
    await crud_roles.db_delete(db, id=role.id)
    forget_permissions(db)
    record_after_commit(db, "role deleted", request, role=role.id)
    return Message(message="Role deleted")


@router.get("/role/{name}/users", response_model=pages_of(RoleUser))
async def read_role_users(
    name: CleanText,
    query: Annotated[RoleUserQuery, Query()],
    caller: RoleReader,
    db: SessionDep,
) -> JSONBytesResponse:
    """List who has a role."""
    role = await named_role(db, name)
    return await crud.users_of_role.answer(db, query, role_id=role.id)


@router.get("/user/{username}/roles", response_model=UserRoles)
async def read_user_roles(
    user_id: PathUserId, request: Request, caller: RoleReader, db: SessionDep
) -> UserRoles:
    """Show the roles of a user."""
    roles = await crud.roles_of_user(db, user_id)
    return UserRoles(roles=[as_declared(request, role) for role in roles])


@router.put("/user/{username}/role/{name}", response_model=Message)
async def write_user_role(
    username: UsernameInPath, name: CleanText, caller: RoleEditor, request: Request, db: SessionDep
) -> Message:
    """Give a user a role that allows no more than you may do yourself."""
    user_id, role = await permissions.changeable_holder(request, db, caller, username, name)
    await require_recent_password(db, caller)
    held = await crud.roles_of_user(db, user_id)
    if all(one.id != role.id for one in held):
        permissions.refuse_one_more(held)
        await crud.give(db, user_id, role.id)
        forget_permissions(db, user_id)
        record_after_commit(db, "role given", request, user=user_id, role=role.id)
    return Message(message="Role given")


@router.delete("/user/{username}/role/{name}", response_model=Message)
async def erase_user_role(
    username: UsernameInPath, name: CleanText, caller: RoleEditor, request: Request, db: SessionDep
) -> Message:
    """Take a role from a user: your own, too. Superusers can always give it again."""
    user_id, role = await permissions.changeable_holder(request, db, caller, username, name)
    await require_recent_password(db, caller)
    if not await crud.take(db, user_id, role.id):
        raise NotFoundException(NOT_GIVEN)
    forget_permissions(db, user_id)
    record_after_commit(db, "role taken", request, user=user_id, role=role.id)
    return Message(message="Role taken")
