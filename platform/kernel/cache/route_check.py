"""What a cached route must be: an answer that its address alone decides."""

import inspect

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from kernel.cache.policy import CALLER, CacheError, Policy
from kernel.discovery import source_of
from kernel.schemas.schemas import is_secret


def where(route: APIRoute) -> str:
    """The route and its endpoint, as an error names them."""
    return f"@cache on GET {route.path} ({source_of(route.endpoint)})"


def check_route(route: APIRoute, policy: Policy, personal: bool, asked: list[Dependant]) -> None:
    """Raise CacheError for a route whose answers can't be kept, with what to do about it."""
    place = where(route)
    if policy.extra or policy.patterns:
        raise CacheError(f"{place}: a GET can't forget anything; move that to the writing routes")
    if personal and CALLER not in policy.arguments:
        raise CacheError(
            f"{place}: the answer depends on who asks; "
            f"put {{{CALLER}}} into key_prefix, or don't cache it"
        )
    if not personal and CALLER in policy.arguments:
        raise CacheError(f"{place}: {{{CALLER}}} needs a permission that finds out who asks")
    foreign = [field.alias for one in asked for field in (*one.header_params, *one.cookie_params)]
    if foreign:
        raise CacheError(
            f"{place}: the answer depends on {', '.join(foreign)}, and entries don't vary by "
            "headers or cookies; don't cache it"
        )
    for field in [one for each in asked for one in (*each.path_params, *each.query_params)]:
        if is_secret(field.field_info.annotation):
            raise CacheError(f"{place}: {field.alias} is a secret, and no key may hold one")
    answer = inspect.signature(policy.endpoint, eval_str=True).return_annotation
    responds = isinstance(answer, type) and issubclass(answer, Response)
    if route.response_model is None and not responds:
        raise CacheError(f"{place}: it needs a response_model or a return annotation")
    if route.status_code not in (None, 200):
        raise CacheError(f"{place}: a hit answers 200, not {route.status_code}")
    for one in asked:
        unused = one.response_param_name or one.background_tasks_param_name
        if unused:
            raise CacheError(f"{place}: a hit doesn't run the endpoint, so it can't have {unused}")
