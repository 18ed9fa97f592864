"""Where the answers of one cached route are kept: their keys, and the names they depend on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Scope

from kernel.cache.arguments import query_parameters, reader_of, speller_of
from kernel.cache.policy import CALLER, PLACEHOLDER, CacheError, Policy, escape, flatten, spell
from kernel.cache.route_check import check_route, where
from kernel.context import Principal

MAX_QUERY_BYTES = 256
MAX_KEY_BYTES = 1024
ANONYMOUS = "anonymous"
JSON = "application/json"
# A route has each of them as `response_model_...`, pydantic's dump takes them by these names.
EXCLUSIONS = "exclude_unset", "exclude_defaults", "exclude_none"
DUMP_OPTIONS = "include", "exclude", "by_alias", *EXCLUSIONS
ENTRY_FORMAT = b"2"  # tag, media type and body

# One argument as `spell` has it, from the path, the query and who asks. Raises ValueError.
Source = Callable[[Mapping[str, Any], Mapping[str, str], str], str]


@dataclass(slots=True, frozen=True)
class CacheLocation:
    """Where one request's answer is kept: the key, and the names it depends on."""

    key: str
    names: list[str]
    values: tuple[str, ...]
    """The arguments of its logical name, as `spell` has them."""


class CachedRoute:
    """A GET route whose endpoint bears `@cache`."""

    def __init__(self, route: APIRoute, policy: Policy, personal: bool) -> None:
        self.policy = policy
        self.varies_by_caller = CALLER in policy.arguments
        asked = list(all_asked(route.dependant))
        check_route(route, policy, personal, asked)
        self.route = route
        self._adapter: TypeAdapter[Any] = TypeAdapter(route.response_model)
        # With its shape, so that a new release doesn't answer in the old one's.
        shape = ENTRY_FORMAT + orjson.dumps(self._adapter.json_schema(mode="serialization"))
        mark = blake2b(shape, digest_size=4).hexdigest()
        endpoint = policy.endpoint
        self._id = f"{endpoint.__module__}.{endpoint.__qualname__}:{mark}"
        self._query = query_parameters(asked)
        self._query_names = {alias for alias, _, _ in self._query.values()}
        in_path = [field for dependant in asked for field in dependant.path_params]
        self._path = {field.name: (field.alias, reader_of(field.field_info)) for field in in_path}
        self._format = PLACEHOLDER.sub("%s", policy.template.replace("%", "%%"))
        self._sources = [self._source(argument) for argument in policy.arguments]
        self._tagged = [
            (field.alias, self._source(field.name))
            for field in in_path
            if field.field_info.annotation is str
        ]

    def has_guards(self, unit_of_work: Callable[..., Any]) -> bool:
        """Whether anything but the unit of work is asked before the endpoint."""
        asked = list(all_asked(self.route.dependant))[1:]
        return any(dependant.call is not unit_of_work for dependant in asked)

    def locate(
        self, scope: Scope, path_params: Mapping[str, Any], principal: Principal | None
    ) -> CacheLocation | None:
        """Where the answer to this request is kept; None for a query that isn't canonical, and
        for an argument that is none of its type."""
        query: dict[str, str] = {}
        query_string: bytes = scope["query_string"]
        if query_string:
            found = self._canonical(query_string)
            if found is None:
                return None
            query = found
        caller = caller_of(principal)
        try:
            values = tuple([source(path_params, query, caller) for source in self._sources])
            tags = [
                path_value_tag(argument, source(path_params, query, caller))
                for argument, source in self._tagged
            ]
        except ValueError:
            return None
        name = self._format % tuple([escape(value) for value in values])
        given = "&".join([f"{key}={value}" for key, value in sorted(query.items())])
        key = f"{self._id}:{scope['path']}?{given}"
        if self.varies_by_caller:
            key += f"#{caller}{principal.credential if principal else ''}"
        if len(key) + len(name) > MAX_KEY_BYTES:
            return None
        names = [name, *_namespaces(name), *tags]
        if self.varies_by_caller:
            names.append(path_value_tag(CALLER, caller))
        return CacheLocation(key, names, values)

    def is_named_rightly(self, arguments: Mapping[str, Any], location: CacheLocation) -> bool:
        """Whether a write with these arguments would forget this name."""
        given = flatten(arguments)
        return all(
            argument == CALLER or spell(given.get(argument)) == value
            for argument, value in zip(self.policy.arguments, location.values, strict=True)
        )

    def respond(self, result: Any) -> Response:
        """The answer that FastAPI would make of what the endpoint returned."""
        if isinstance(result, Response):
            return result
        route, adapter = self.route, self._adapter
        options: Any = {name: getattr(route, f"response_model_{name}") for name in DUMP_OPTIONS}
        value = adapter.validate_python(result, from_attributes=True)
        if isinstance(route.response_class, DefaultPlaceholder):
            return Response(adapter.dump_json(value, **options), media_type=JSON)
        return route.response_class(adapter.dump_python(value, mode="json", **options))

    def _source(self, argument: str) -> Source:
        if argument == CALLER:
            return lambda path, query, caller: caller
        if argument in self._path:
            alias, read = self._path[argument]
            in_path = speller_of(read)
            return lambda path, query, caller: in_path(path[alias])
        if argument in self._query:
            name, read, default = self._query[argument]
            usual, in_query = spell(default), speller_of(read)
            return lambda path, query, caller: in_query(query[name]) if name in query else usual
        raise CacheError(
            f"{where(self.route)}: {argument} stands neither in the path nor in the "
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
    parts = name.split(":")
    return [f"{':'.join(parts[:number])}:*" for number in range(1, len(parts))]


def all_asked(dependant: Dependant) -> Iterator[Dependant]:
    """The endpoint and its dependencies, at any depth."""
    yield dependant
    for dependency in dependant.dependencies:
        yield from all_asked(dependency)
