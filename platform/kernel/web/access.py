"""Who may call a route, declared by its permission dependency and checked before its body."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from enum import StrEnum
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from kernel.context import Principal, RequestContext, context_of, principal_of
from kernel.errors import CustomException, ForbiddenException, UnauthorizedException
from kernel.schemas.schemas import MAX_PERMISSION
from kernel.web.actor import note_actor

PRIVILEGES = "You do not have enough privileges."
NOT_YOURS = "Request forbidden -- authorization will not help"
CHALLENGE = {"WWW-Authenticate": "Bearer"}

# What a feature's providers.py offers as `permissions_of`: the permissions that a user has.
PermissionsOf = Callable[[RequestContext, int], Awaitable[frozenset[str]]]
Function = TypeVar("Function", bound=Callable[..., Any])


class Access(StrEnum):
    """Who may call a route. Declared by its permission dependency."""

    PUBLIC = "public"
    OPTIONAL = "optional"  # anyone; a caller who is known may see more
    USER = "user"
    SELF = "self"  # the user in the path, or a superuser
    OWNER = "owner"  # the row's owner, or a superuser; others don't find it (404)
    PERMISSION = "permission"  # who has the permission that is named, or a superuser
    SUPER = "super"


RANK = list(Access)
OPEN = (Access.PUBLIC, Access.OPTIONAL)
PERMISSION_NAME = re.compile(rf"(?=.{{3,{MAX_PERMISSION}}}$)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def access(level: Access, permission: str | None = None) -> Callable[[Function], Function]:
    """Mark a permission dependency with the access that it grants.

    With Access.PERMISSION callers need the permission of that name; with another level it is one
    more way in, which the dependency itself checks. Raises ValueError for what is no such name.
    """
    if permission is not None and not PERMISSION_NAME.fullmatch(permission):
        raise ValueError(f"{permission!r} is no name of a permission, like posts.moderate")

    def mark(function: Function) -> Function:
        function.access = level  # type: ignore[attr-defined]
        function.permission = permission  # type: ignore[attr-defined]
        return function

    return mark


async def require(
    connection: HTTPConnection, level: Access, permissions: Collection[str] = ()
) -> Principal | None:
    """Let the request pass what can be checked before its body and its rows are known.

    Returns the caller, unless the route is open to all.

    Raises UnauthorizedException (401), and ForbiddenException (403) for routes of superusers and
    for those that need permissions.
    """
    if level in OPEN:
        return None
    principal = await principal_of(connection)
    if principal is None:
        raise unauthenticated(connection)
    if level is Access.SUPER and not principal.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    if permissions and not await has_permissions(connection, principal, permissions):
        raise ForbiddenException(PRIVILEGES)
    return principal


async def has_permissions(
    connection: HTTPConnection, principal: Principal, names: Iterable[str]
) -> bool:
    """Whether the caller has all of these permissions: a superuser has every one, others those that
    the provider `permissions_of` says, which is asked once per request."""
    if principal.is_superuser:
        return True
    context = context_of(connection)
    if context.permissions is None:
        permissions_of: PermissionsOf | None = context.resources.provider("permissions_of")
        given = await permissions_of(context, principal.user_id) if permissions_of else ()
        context.permissions = frozenset(given)
    if not context.permissions.issuperset(names):
        return False
    if context.unit is not None:
        await note_actor(context.unit, principal.user_id)
    return True


def unauthenticated(connection: HTTPConnection) -> CustomException:
    """The 401 for a request without a valid bearer token, or what `identify` has left to answer."""
    if (refusal := context_of(connection).refusal) is not None:
        return refusal
    header = connection.headers.get("authorization", "")
    bearer = header[:7].lower() == "bearer " and header[7:].strip()
    detail = "User not authenticated." if bearer else "Not authenticated"
    return UnauthorizedException(detail, headers=CHALLENGE)
