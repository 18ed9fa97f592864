"""What the kernel knows of the request at hand, and who sends it."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import HTTPConnection
from starlette.types import Scope

from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.errors import CustomException
from kernel.redis.usage import Usage

KEY = "kernel.context"
request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)
# The trace that the request or job at hand is part of, as W3C's header says it.
traceparent_var: ContextVar[str | None] = ContextVar("traceparent", default=None)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a live user, by an immutable id, in a live session."""

    user_id: int
    session_id: int
    username: str
    is_superuser: bool
    tier_id: int | None
    credential: str = field(default="", kw_only=True)
    """What sets callers apart who are the same user, and may do or see different things: limits and
    caches keep them apart. Empty for sessions."""


# What a feature's providers.py offers as `identify`. Without one every caller is anonymous.
Identify = Callable[[HTTPConnection], Awaitable[Principal | None]]
# Raises what is answered to a caller who may not make this call.
Admit = Callable[[HTTPConnection], Awaitable[None]]


@dataclass(slots=True)
class RequestContext:
    """One per request, under `scope["kernel.context"]`."""

    request_id: str
    address: str
    resources: Resources
    unit: UnitOfWork | None = None
    principal: Principal | None = None
    identified: bool = False
    admit: "Admit | None" = None
    """What the caller must pass where the answer depends on who asks: set by `identify`, for a
    credential that may do less than its user."""
    refusal: CustomException | None = None
    """What is answered where a caller is needed, instead of the usual 401: set by `identify`."""
    names_permissions: bool = False
    """Whether the route names permissions: what is kept of the caller's is read with the caller."""
    permissions: frozenset[str] | None = None
    """What the caller may do by permissions; None until that is asked for."""
    personal: bool = False
    """Whether the answer depends on who asks."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Headers that a dependency adds to whatever the answer turns out to be, an error too."""
    usage: Usage = field(default_factory=Usage)


def context_of(connection: HTTPConnection | Scope) -> RequestContext:
    """The context of a request, from the request or from its ASGI scope."""
    scope = connection.scope if isinstance(connection, HTTPConnection) else connection
    return cast(RequestContext, scope[KEY])


def template_of(scope: Scope) -> str | None:
    """The path template of the route that answered, e.g. `/api/v1/user/{username}`."""
    route: Any = scope.get("route")
    return getattr(route, "path", None)


async def principal_of(connection: HTTPConnection) -> Principal | None:
    """The caller, found out once per request; None for anonymous and for a bad token.

    From here on the answer counts as depending on who asks: no shared cache may keep it. Raises
    what `admit` raises, for a caller whose credential doesn't reach as far as this call.
    """
    context = context_of(connection)
    context.personal = True
    principal = await identified(connection)
    if context.admit is not None:
        await context.admit(connection)
        context.admit = None  # once
    return principal


async def identified(connection: HTTPConnection) -> Principal | None:
    """The caller, for what doesn't change the answer by who asks: limits, log lines."""
    context = context_of(connection)
    if not context.identified:
        identify: Identify | None = context.resources.provider("identify")
        context.principal = await identify(connection) if identify else None
        context.identified = True
    return context.principal
