"""Where the answers of one cached route are kept: their keys, and the names they depend on."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from starlette.types import Scope

from kernel.cache.policy import CALLER, PLACEHOLDER, CacheError, Policy, escape, flatten, spell
from kernel.context import Principal

MAX_QUERY_BYTES = 256
MAX_KEY_BYTES = 1024
ANONYMOUS = "anonymous"

# The raw text of one argument, from the path, the query and who asks.
Source = Callable[[Mapping[str, Any], Mapping[str, str], str], str]


@dataclass(slots=True, frozen=True)
class CacheLocation:
    """Where one request's answer is kept: the key, and the names it depends on."""

    key: str
    names: list[str]
    raw: tuple[str, ...]
    """The arguments of its logical name, as the client spelled them."""


class CachedRoute:
    """A GET route whose endpoint bears `@cache`."""

    def __init__(self, route: APIRoute, policy: Policy, personal: bool) -> None:
        self.policy = policy
        self.varies_by_caller = CALLER in policy.arguments
        asked = list(_all_asked(route.dependant))
        _check(route, policy, personal, asked)
        self.route = route
        self._adapter: TypeAdapter[Any] = TypeAdapter(route.response_model)
        # With its shape, so that a new release doesn't answer in the old one's.
        shape = orjson.dumps(self._adapter.json_schema(mode="serialization"))
        mark = blake2b(shape, digest_size=4).hexdigest()
        endpoint = policy.endpoint
        self._id = f"{endpoint.__module__}.{endpoint.__qualname__}:{mark}"
        self._query = _query_parameters(asked)
        self._query_names = {alias for alias, _ in self._query.values()}
        in_path = [field for dependant in asked for field in dependant.path_params]
        self._names = {field.name: field.alias for field in in_path}
        self._format = PLACEHOLDER.sub("%s", policy.template.replace("%", "%%"))
        self._sources = [self._source(argument) for argument in policy.arguments]
        texts = {field.alias for field in in_path if field.field_info.annotation is str}
        self._tagged = [name for name in route.param_convertors if name in texts]

    def has_guards(self, unit_of_work: Callable[..., Any]) -> bool:
        """Whether anything but the unit of work is asked before the endpoint."""
        asked = list(_all_asked(self.route.dependant))[1:]
        return any(dependant.call is not unit_of_work for dependant in asked)

    def locate(
        self, scope: Scope, path_params: Mapping[str, Any], principal: Principal | None
    ) -> CacheLocation | None:
        """Where the answer to this request is kept; None for a query that isn't canonical."""
        query: dict[str, str] = {}
        query_string: bytes = scope["query_string"]
        if query_string:
            found = self._canonical(query_string)
            if found is None:
                return None
            query = found
        caller = caller_of(principal)
        raw = tuple([source(path_params, query, caller) for source in self._sources])
        name = self._format % tuple([escape(value) for value in raw])
        given = "&".join([f"{key}={value}" for key, value in sorted(query.items())])
        key = f"{self._id}:{scope['path']}?{given}"
        if self.varies_by_caller:
            key += f"#{caller}"
        if len(key) + len(name) > MAX_KEY_BYTES:
            return None
        names = [name, *_namespaces(name)]
        names += [path_value_tag(argument, path_params[argument]) for argument in self._tagged]
        if self.varies_by_caller:
            names.append(path_value_tag(CALLER, caller))
        return CacheLocation(key, names, raw)

    def is_canonical(self, arguments: Mapping[str, Any], location: CacheLocation) -> bool:
        """Whether the name spells its arguments as a write would: 7 and not 007."""
        values = flatten(arguments)
        return all(
            argument == CALLER or spell(values.get(argument)) == raw
            for argument, raw in zip(self.policy.arguments, location.raw, strict=True)
        )

    def serialise(self, result: Any) -> bytes:
        """The final body, as FastAPI would make it of what the endpoint returned."""
        route = self.route
        return self._adapter.dump_json(
            self._adapter.validate_python(result, from_attributes=True),
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
        )

    def _source(self, argument: str) -> Source:
        if argument == CALLER:
            return lambda path, query, caller: caller
        if argument in self._names:
            alias = self._names[argument]
            return lambda path, query, caller: str(path[alias])
        if argument in self._query:
            alias, default = self._query[argument]
            return lambda path, query, caller: query.get(alias, default)
        raise CacheError(
            f"@cache on GET {self.route.path}: {argument} stands neither in the path nor in the "
            "query, so a hit can't know it; name what does"
        )

    def _canonical(self, query_string: bytes) -> dict[str, str] | None:
        if len(query_string) > MAX_QUERY_BYTES or b"%" in query_string or b"+" in query_string:
            return None
        pairs = [part.partition("=") for part in query_string.decode("latin-1").split("&")]
        found = {name: value for name, _, value in pairs}
        if len(found) != len(pairs) or not self._query_names >= found.keys():
            return None
        return found


def path_value_tag(argument: str, value: str) -> str:
    """The name whose version says what an argument's value refers to at present."""
    return f"={argument}:{escape(value)}"


def caller_of(principal: Principal | None) -> str:
    """Who asks, as part of a name."""
    return str(principal.user_id) if principal else ANONYMOUS


def _namespaces(name: str) -> list[str]:
    """What `a:b:7` lies in: `a:*` and `a:b:*`."""
    return [f"{name[: match.end()]}*" for match in re.finditer(":", name)]


def _all_asked(dependant: Dependant) -> Iterator[Dependant]:
    """What the endpoint and its dependencies ask for."""
    yield dependant
    for dependency in dependant.dependencies:
        yield from _all_asked(dependency)


def _query_parameters(asked: list[Dependant]) -> dict[str, tuple[str, str]]:
    """How each query parameter, fields of query models too, is spelled, and its default."""
    found: dict[str, tuple[str, str]] = {}
    for parameter in [field for dependant in asked for field in dependant.query_params]:
        kind = parameter.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, info in kind.model_fields.items():
                found[name] = info.alias or name, spell(info.default)
        else:
            found[parameter.name] = parameter.alias, spell(parameter.field_info.default)
    return found


def _check(route: APIRoute, policy: Policy, personal: bool, asked: list[Dependant]) -> None:
    where = f"@cache on GET {route.path}"
    if policy.extra or policy.patterns:
        raise CacheError(f"{where}: a GET can't forget anything; move that to the writing routes")
    if personal and CALLER not in policy.arguments:
        raise CacheError(
            f"{where}: the answer depends on who asks; "
            f"put {{{CALLER}}} into key_prefix, or don't cache it"
        )
    if not personal and CALLER in policy.arguments:
        raise CacheError(f"{where}: {{{CALLER}}} needs a permission that finds out who asks")
    foreign = [field.alias for one in asked for field in (*one.header_params, *one.cookie_params)]
    if foreign:
        raise CacheError(
            f"{where}: the answer depends on {', '.join(foreign)}, and entries don't vary by "
            "headers or cookies; don't cache it"
        )
    if route.response_model is None:
        raise CacheError(f"{where}: it needs a response_model or a return annotation")
    if route.status_code not in (None, 200):
        raise CacheError(f"{where}: a hit answers 200, not {route.status_code}")
    for one in asked:
        unused = one.response_param_name or one.background_tasks_param_name
        if unused:
            raise CacheError(f"{where}: a hit doesn't run the endpoint, so it can't have {unused}")
