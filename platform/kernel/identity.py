"""Who is calling, asked of the kernel, answered by the feature that offers `identify`.

The docs guard, the limiter, the cache and the log ask here, so that none of them knows auth.
Without such a feature everybody is anonymous, and guarded docs stay closed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from kernel.context import context_of
from kernel.errors import ForbiddenException, UnauthorizedException

PRIVILEGES = "You do not have enough privileges."
NOT_YOURS = "Request forbidden -- authorization will not help"
CHALLENGE = {"WWW-Authenticate": "Bearer"}

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a live user, by an immutable id, in a live session."""

    user_id: int
    session_id: int
    username: str
    is_superuser: bool
    tier_id: int | None


Identify = Callable[[HTTPConnection], Awaitable[Principal | None]]


class Access(StrEnum):
    """Who may call a route. Declared by its permission dependency."""

    PUBLIC = "public"
    OPTIONAL = "optional"  # anyone; a caller who is known may see more
    USER = "user"
    SELF = "self"  # the user in the path, or a superuser
    OWNER = "owner"  # whoever owns the row, or a superuser; others don't find it (404)
    SUPER = "super"


RANK = list(Access)


def access(level: Access) -> Callable[[Function], Function]:
    """Mark a permission dependency with the access that it grants."""

    def mark(function: Function) -> Function:
        function.access = level  # type: ignore[attr-defined]
        return function

    return mark


async def principal_of(connection: HTTPConnection) -> Principal | None:
    """The caller, found out once per request; None for anonymous and for a bad token.

    From here on the answer counts as depending on who asks: no shared cache may keep it.
    """
    context_of(connection).personal = True
    return await identified(connection)


async def identified(connection: HTTPConnection) -> Principal | None:
    """The caller, for what doesn't change the answer by who asks: limits, log lines."""
    context = context_of(connection)
    if not context.identified:
        identify = context.resources.identify
        context.principal = await identify(connection) if identify else None
        context.identified = True
    return context.principal


async def require(connection: HTTPConnection, level: Access) -> None:
    """Let the request pass what can be checked before its body and its rows are known.

    Raises UnauthorizedException (401), and ForbiddenException (403) for routes of superusers.
    """
    if level in (Access.PUBLIC, Access.OPTIONAL):
        return
    principal = await principal_of(connection)
    if principal is None:
        raise unauthenticated(connection)
    if level is Access.SUPER and not principal.is_superuser:
        raise ForbiddenException(PRIVILEGES)


def unauthenticated(connection: HTTPConnection) -> UnauthorizedException:
    """The 401 for a request without a valid bearer token."""
    header = connection.headers.get("authorization", "")
    bearer = header[:7].lower() == "bearer " and header[7:].strip()
    detail = "User not authenticated." if bearer else "Not authenticated"
    return UnauthorizedException(detail, headers=CHALLENGE)
