"""What the kernel knows of the request at hand, from the first byte to the log line."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import HTTPConnection
from starlette.types import Scope

if TYPE_CHECKING:
    from kernel.identity import Principal
    from kernel.resources import Resources
    from kernel.unit_of_work import UnitOfWork

KEY = "kernel.context"
request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)


@dataclass(slots=True)
class RequestContext:
    """One per request, under `scope["kernel.context"]`."""

    request_id: str
    address: str
    resources: "Resources"
    unit: "UnitOfWork | None" = None
    principal: "Principal | None" = None
    identified: bool = False
    personal: bool = False
    """Whether the answer depends on who asks."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Headers that a dependency adds to whatever the answer turns out to be, an error too."""


def context_of(connection: HTTPConnection | Scope) -> RequestContext:
    """The context of a request, from the request or from its ASGI scope."""
    scope = connection.scope if isinstance(connection, HTTPConnection) else connection
    return cast(RequestContext, scope[KEY])


def template_of(scope: Scope) -> str | None:
    """The path template of the route that answered, e.g. `/api/v1/user/{username}`."""
    route: Any = scope.get("route")
    return getattr(route, "path", None)
