"""`@cache`: keeps the final answers of GET endpoints, and forgets them after commits.

An entry is found by its logical name, `{prefix filled from the arguments}:{resource id}`, and
every declared query parameter. It stands under the versions of that name, of the namespaces
that some route forgets by `pattern_to_invalidate_extra`, and of what its names mean (see
`forget_argument`), so that a write forgets it without finding it (kernel.versions).
"""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_args, get_origin

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from starlette.responses import Response
from starlette.types import Scope

from kernel.client_cache import etag_of
from kernel.context import RequestContext, context_of
from kernel.database import UnitOfWork
from kernel.identity import Access
from kernel.versions import Ticket

log = structlog.get_logger(__name__)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])

MAX_ENTRY_BYTES = 1024 * 1024
MAX_QUERY_BYTES = 256
PLACEHOLDER = re.compile(r"{(\w+)}")
CALLER = "principal"  # a placeholder that varies an entry by who asks


class CacheError(Exception):
    """`@cache` is declared wrongly; raised while the application is built."""


@dataclass(slots=True)
class Place:
    """Where one request's answer is kept: the key, and the names it depends on."""

    key: str
    names: list[str]


@dataclass
class Policy:
    """What `@cache` says of one endpoint."""

    endpoint: Callable[..., Any]
    prefix: str
    resource_id: str
    seconds: int
    extra: Mapping[str, Any]
    patterns: list[str]
    types: dict[str, Any]
    depths: set[int] = field(default_factory=set)
    query_names: frozenset[str] = frozenset()
    defaults: dict[str, str] = field(default_factory=dict)
    adapter: TypeAdapter[Any] | None = None

    @property
    def arguments(self) -> list[str]:
        """The arguments that the logical name is made of."""
        return [*PLACEHOLDER.findall(self.prefix), self.resource_id]

    def place(self, scope: Scope, path_params: Mapping[str, Any]) -> Place | None:
        """Where the answer to this request is kept; None for a query that isn't canonical."""
        query = self._canonical_query(scope["query_string"])
        if query is None:
            return None
        raw = {**self.defaults, **query, **{k: str(v) for k, v in path_params.items()}}
        if CALLER in self.arguments:
            principal = context_of(scope).principal
            raw[CALLER] = str(principal.user_id) if principal else "anonymous"
        name = f"{fill(self.prefix, raw)}:{escape(raw[self.resource_id])}"
        parts = name.split(":")
        names = [name]
        names += [":".join(parts[:depth]) + ":*" for depth in self.depths if depth < len(parts)]
        names += [meaning(arg, raw[arg]) for arg in {*self.arguments} if self.types.get(arg) is str]
        given = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
        return Place(f"{self.endpoint.__qualname__}:{name}?{given}", names)

    def is_canonical(self, arguments: Mapping[str, Any], scope: Scope) -> bool:
        """Whether the name spells its arguments as a write would: 7 and not 007."""
        query = self._canonical_query(scope["query_string"]) or {}
        raw = {**self.defaults, **query, **scope["path_params"]}
        values = flatten(arguments)
        return all(str(values.get(arg)) == str(raw[arg]) for arg in self.arguments if arg != CALLER)

    def forgotten(self, arguments: Mapping[str, Any]) -> list[str]:
        """The names that a write with these arguments forgets."""
        values = {key: str(value) for key, value in flatten(arguments).items()}
        names = [f"{fill(self.prefix, values)}:{escape(values[self.resource_id])}"]
        for prefix, resource_id in self.extra.items():
            names.append(f"{fill(prefix, values)}:{fill(str(resource_id), values)}")
        return names + [fill(pattern, values) for pattern in self.patterns]

    def _canonical_query(self, query_string: bytes) -> dict[str, str] | None:
        if not query_string:
            return {}
        if len(query_string) > MAX_QUERY_BYTES or b"%" in query_string or b"+" in query_string:
            return None
        pairs = [part.partition("=") for part in query_string.decode("latin-1").split("&")]
        found = {name: value for name, _, value in pairs}
        if len(found) != len(pairs) or not self.query_names.issuperset(found):
            return None
        return found


def cache(
    key_prefix: str,
    resource_id_name: str | None = None,
    expiration: int = 3600,
    resource_id_type: type | tuple[type, ...] = int,
    to_invalidate_extra: dict[str, Any] | None = None,
    pattern_to_invalidate_extra: list[str] | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Keep a GET endpoint's answer for `expiration` seconds; on other methods forget it.

    The logical name is `key_prefix`, filled from the endpoint's arguments, and the resource id:
    the argument named, or the one of `resource_id_type`. Other methods also forget the names in
    `to_invalidate_extra` (prefix: id, both filled) and the namespaces in
    `pattern_to_invalidate_extra` (`namespace:*`), once the request has committed.
    Raises CacheError for a declaration that could not work.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        types = argument_types(endpoint)
        policy = Policy(
            endpoint=endpoint,
            prefix=key_prefix,
            resource_id=_resource_id(endpoint, types, resource_id_name, resource_id_type),
            seconds=expiration,
            extra=to_invalidate_extra or {},
            patterns=pattern_to_invalidate_extra or [],
            types=types,
        )
        _check(policy)

        @functools.wraps(endpoint)
        async def cached(**arguments: Any) -> Any:
            request: Request = arguments["request"]
            if request.method == "GET":
                return await _answer(policy, request, arguments)
            result = await endpoint(**arguments)
            forget(context_of(request), policy.forgotten(arguments))
            return result

        cached.cache_policy = policy  # type: ignore[attr-defined]
        return cached  # type: ignore[return-value]

    return decorate


def forget(context: RequestContext, names: Iterable[str]) -> None:
    """Forget logical names, or namespaces (`name:*`), when the request's unit commits."""
    assert context.unit is not None
    context.unit.forget(context.resources.versions, *names)


def forget_argument(unit: UnitOfWork, **arguments: str) -> None:
    """Forget every entry whose name was filled with this argument, since its meaning changes.

    `forget_argument(unit, username="ada")` when ada is renamed or deleted: whoever bears the name
    next must not be answered with her posts.
    """
    names = [meaning(name, value) for name, value in arguments.items()]
    unit.forget(unit.resources.versions, *names)


def policy_of(route: APIRoute) -> Policy | None:
    """What `@cache` says of the route's endpoint, if it stands there."""
    return getattr(route.endpoint, "cache_policy", None)


def bind(route: APIRoute, access: Access) -> None:
    """Check the policy against its route, and give it what only the route knows."""
    policy = policy_of(route)
    if policy is None or "GET" not in (route.methods or ()):
        return
    where = f"@cache on GET {route.path}"
    if policy.extra or policy.patterns:
        raise CacheError(f"{where}: a GET can't forget anything; move that to the writing routes")
    if access not in (Access.PUBLIC, Access.SUPER) and CALLER not in policy.arguments:
        raise CacheError(
            f"{where}: the answer depends on who asks ({access}); "
            f"put {{{CALLER}}} into key_prefix, or don't cache it"
        )
    if route.response_model is None:
        raise CacheError(f"{where}: it needs a response_model or a return annotation")
    parameters = route.dependant.query_params
    models = [f.field_info.annotation for f in parameters]
    fields = {f.alias: f.field_info for f in parameters}
    for model in models:
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = dict(model.model_fields)
    policy.query_names = frozenset(fields)
    policy.defaults = {name: str(info.default) for name, info in fields.items()}
    policy.adapter = TypeAdapter(route.response_model)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders filled; a colon in a value can't forge a namespace."""
    return PLACEHOLDER.sub(lambda match: escape(values[match[1]]), template)


def escape(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A")


def meaning(argument: str, value: str) -> str:
    """The name whose version says what an argument's value refers to at present."""
    return f"={argument}:{escape(value)}"


def flatten(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the fields of query models among them."""
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, BaseModel):
            values.update(vars(value))
        values[name] = value
    return values


def argument_types(endpoint: Callable[..., Any]) -> dict[str, Any]:
    """The endpoint's arguments, and the fields of its query models, with their plain types."""
    types: dict[str, Any] = {}
    for name, parameter in inspect.signature(endpoint, eval_str=True).parameters.items():
        kind = parameter.annotation
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        types[name] = kind
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            types.update({key: info.annotation for key, info in kind.model_fields.items()})
    return types


def _resource_id(
    endpoint: Callable[..., Any],
    types: Mapping[str, Any],
    name: str | None,
    kind: type | tuple[type, ...],
) -> str:
    where = f"@cache on {endpoint.__qualname__}"
    if name is not None:
        if name not in types:
            raise CacheError(f"{where}: there is no argument {name}")
        return name
    kinds = kind if isinstance(kind, tuple) else (kind,)
    candidates = [argument for argument, type_ in types.items() if type_ in kinds]
    if len(candidates) > 1:
        candidates = [argument for argument in candidates if "id" in argument.split("_")]
    if len(candidates) != 1:
        raise CacheError(f"{where}: the resource id can't be inferred; give resource_id_name")
    return candidates[0]


def _check(policy: Policy) -> None:
    where = f"@cache on {policy.endpoint.__qualname__}"
    if "request" not in policy.types:
        raise CacheError(f"{where}: the endpoint must take `request: Request`")
    templates = [policy.prefix, *policy.extra, *map(str, policy.extra.values()), *policy.patterns]
    for template in templates:
        for argument in PLACEHOLDER.findall(template):
            if argument not in policy.types and argument != CALLER:
                raise CacheError(f"{where}: {template!r} names no argument {argument}")
    for pattern in policy.patterns:
        if not pattern.endswith(":*") or "*" in pattern[:-1]:
            raise CacheError(f"{where}: {pattern!r} is not of the form `namespace:*`")


async def _answer(policy: Policy, request: Request, arguments: Mapping[str, Any]) -> Any:
    context, scope = context_of(request), request.scope
    place = policy.place(scope, scope["path_params"])
    if place is None:
        return await policy.endpoint(**arguments)
    uncached: Any = None

    async def load() -> bytes | None:
        nonlocal uncached
        result = await policy.endpoint(**arguments)
        if isinstance(result, Response):
            uncached = result
            return None
        body = _serialise(policy, scope["route"], result)
        uncached = Response(body, media_type="application/json")
        if context.personal and CALLER not in policy.arguments:
            log.error("a cached endpoint looked at who asks; not kept", route=request.url.path)
            return None
        if len(body) > MAX_ENTRY_BYTES or not policy.is_canonical(arguments, scope):
            return None
        return etag_of(body).encode() + b"\n" + body

    missed: Ticket | None = scope.get(MISSED)
    versions = context.resources.versions
    entry = await versions.fetch(place.key, place.names, load, policy.seconds, missed)
    if entry is None:
        return uncached
    etag, _, body = entry.partition(b"\n")
    return Response(body, headers={"ETag": etag.decode()}, media_type="application/json")


MISSED = "kernel.cache.missed"


def _serialise(policy: Policy, route: APIRoute, result: Any) -> bytes:
    assert policy.adapter is not None
    value = policy.adapter.validate_python(result, from_attributes=True)
    return policy.adapter.dump_json(
        value,
        include=route.response_model_include,
        exclude=route.response_model_exclude,
        by_alias=route.response_model_by_alias,
        exclude_unset=route.response_model_exclude_unset,
        exclude_defaults=route.response_model_exclude_defaults,
        exclude_none=route.response_model_exclude_none,
    )
