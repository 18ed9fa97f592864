"""Who may call a route, declared by its permission dependency and checked before its body."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from kernel.context import Principal, context_of, principal_of
from kernel.errors import CustomException, ForbiddenException, UnauthorizedException

PRIVILEGES = "You do not have enough privileges."
NOT_YOURS = "Request forbidden -- authorization will not help"
CHALLENGE = {"WWW-Authenticate": "Bearer"}

Function = TypeVar("Function", bound=Callable[..., Any])


class Access(StrEnum):
    """Who may call a route. Declared by its permission dependency."""

    PUBLIC = "public"
    OPTIONAL = "optional"  # anyone; a caller who is known may see more
    USER = "user"
    SELF = "self"  # the user in the path, or a superuser
    OWNER = "owner"  # the row's owner, or a superuser; others don't find it (404)
    SUPER = "super"


RANK = list(Access)
OPEN = (Access.PUBLIC, Access.OPTIONAL)


def access(level: Access) -> Callable[[Function], Function]:
    """Mark a permission dependency with the access that it grants."""

    def mark(function: Function) -> Function:
        function.access = level  # type: ignore[attr-defined]
        return function

    return mark


async def require(connection: HTTPConnection, level: Access) -> Principal | None:
    """Let the request pass what can be checked before its body and its rows are known.

    Returns the caller, unless the route is open to all.

    Raises UnauthorizedException (401), and ForbiddenException (403) for routes of superusers.
    """
    if level in OPEN:
        return None
    principal = await principal_of(connection)
    if principal is None:
        raise unauthenticated(connection)
    if level is Access.SUPER and not principal.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    return principal


def unauthenticated(connection: HTTPConnection) -> CustomException:
    """The 401 for a request without a valid bearer token, or what `identify` has left to answer."""
    if (refusal := context_of(connection).refusal) is not None:
        return refusal
    header = connection.headers.get("authorization", "")
    bearer = header[:7].lower() == "bearer " and header[7:].strip()
    detail = "User not authenticated." if bearer else "Not authenticated"
    return UnauthorizedException(detail, headers=CHALLENGE)
