"""Who must have a factor: SECOND_FACTOR_REQUIRED, and what one may do until there is one."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from features.second_factor.cache_keys import HAS_FACTOR
from features.second_factor.crud import factors_of
from features.second_factor.settings import SecondFactorSettings
from kernel.cache import fetch_rights
from kernel.config import Settings
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException
from kernel.web import Access, add_answers, error_responses, operations_of

SET_UP = "This account must have a second factor: set one up first, at /api/v1/second_factor/page."
# Its sessions, and the way to have a factor.
OPEN = ("features.auth.", "features.second_factor.")
YES, NO = b"1", b"0"


class FactorMissing(ForbiddenException):
    """403: the caller may, once the account has a second factor."""

    problem_type = "urn:problem-type:second-factor-missing"


def needs_factor(settings: Settings, is_superuser: bool) -> bool:
    """Whether such an account must have a factor."""
    required = settings.group(SecondFactorSettings).second_factor_required
    return required == "all" or (required == "superusers" and is_superuser)


async def refuse_without_factor(connection: HTTPConnection) -> None:
    """Raise FactorMissing (403) for a caller whose account has no factor, but for what sets one up.

    One round trip to Redis, and no SQL while nothing has changed.
    """
    route: Any = connection.scope.get("route")
    endpoint = getattr(route, "endpoint", None)
    context = context_of(connection)
    if context.principal is None or is_open(endpoint):
        return
    user_id = context.principal.user_id
    name = HAS_FACTOR.format(user_id=user_id)
    found = await fetch_rights(context, f"{name}:kept", [name], partial(_load, user_id))
    if found != YES:
        raise FactorMissing(SET_UP)


def is_open(endpoint: Any) -> bool:
    """Whether an endpoint is for those who have no factor yet, too."""
    module = getattr(endpoint, "__module__", "")
    return module.startswith(OPEN) or hasattr(endpoint, "is_open_before_step")


def extend_openapi(document: dict[str, Any], routes: Iterable[APIRoute]) -> None:
    """Say of each route that asks who is calling that it refuses an account without a factor, where
    one is required."""
    refusal = error_responses({403: [SET_UP]})
    for route, operation in operations_of(document, routes):
        asks = getattr(route, "access", Access.PUBLIC) is not Access.PUBLIC
        if asks and not is_open(route.endpoint):
            add_answers(operation, refusal)


async def _load(user_id: int, unit: UnitOfWork) -> bytes:
    factors = await factors_of.one(unit, user_id=user_id)
    return YES if factors is not None and factors.any else NO
