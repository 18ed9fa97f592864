"""OpenAPI that is true: every status a route can answer, with the problem shape and examples.

FastAPI describes inputs and the answer that went well. The rest is known from the route itself:
who may call it, whether it takes a body, whether it is limited, whether clients may keep it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi.routing import APIRoute
from fastapi.security import OAuth2PasswordRequestForm

from kernel.cache.client_side import is_public
from kernel.errors import phrase
from kernel.rate_limit.dependency import rate_limiter
from kernel.web.access import OPEN, Access
from kernel.web.documented_errors import (
    HEADERS,
    PROBLEM,
    RATE_LIMIT_HEADERS,
    SCHEMAS,
    SHARED,
    Json,
    examples_of,
    header_references,
    problem_answer,
)
from kernel.web.problems import MEDIA_TYPE, Problem
from kernel.web.raised_errors import errors_of
from kernel.web.router import FeatureRoute, calls_of, is_write, named_permissions

INVALID_OF_FASTAPI = "HTTPValidationError"
SCHEME = "bearer"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def complete(document: Json, routes: Iterable[APIRoute]) -> Json:
    """FastAPI's document with every other answer of these routes, and how to authenticate."""
    # Routes may share what they were declared with; each gets its own copy to be completed. An
    # infinite default becomes null: JSON has no word for it.
    document = json.loads(json.dumps(document), parse_constant=lambda _: None)
    components, paths = document.setdefault("components", {}), document["paths"]
    schemas = components.setdefault("schemas", {})
    routes = [route for route in routes if route.include_in_schema]
    described = {(r.path_format, method.lower()): r for r in routes for method in r.methods or ()}
    for (path, method), route in described.items():
        if method in METHODS:
            _describe(route, paths[path][method])
            _take_null_from_forms(paths[path][method], schemas)
        else:  # of WebDAV, say: OpenAPI can't name it
            del paths[path][method]
    _name_apart(paths)
    components["headers"] = HEADERS
    components["responses"] = {
        name: problem_answer(status, examples) for name, (status, examples) in SHARED.items()
    }
    components["responses"]["Limited"]["headers"] |= header_references(RATE_LIMIT_HEADERS)
    scheme: Json = {"type": "http", "scheme": "bearer"}
    if login := _login_path(routes):
        scheme = {"type": "oauth2", "flows": {"password": {"tokenUrl": login, "scopes": {}}}}
    components.setdefault("securitySchemes", {}).setdefault(SCHEME, scheme)
    for replaced in (INVALID_OF_FASTAPI, "ValidationError"):
        if not _refers(document, replaced):  # a feature may have a model of that name
            schemas.pop(replaced, None)
    _add_problem(document)
    return document


def _describe(route: APIRoute, operation: Json) -> None:
    for parameter in operation.get("parameters", []):
        _without_null(parameter.get("schema", {}))
    answered = operation["responses"]
    takes_body = "requestBody" in operation
    takes_input = takes_body or bool(operation.get("parameters"))
    called_back = [one for call in operation.get("callbacks", {}).values() for one in call.values()]
    for one in [operation, *[one for item in called_back for one in item.values()]]:
        if _refers(one["responses"].get("422"), INVALID_OF_FASTAPI):
            del one["responses"]["422"]  # FastAPI's own shape, which no answer has here
    names = list(_shared_by(route, takes_input, takes_body))
    shared = {SHARED[name][0]: SHARED[name][1] for name in names}
    for status, details in errors_of(route).items():
        own = [detail for detail in details if detail not in shared.get(status, {})]
        if own or not {status, str(status)} & {*shared, *answered}:
            _add_error(answered, status, examples_of(*own or [phrase(status)]))
    for name in names:
        status, examples = SHARED[name]
        if str(status) in answered:
            _add_error(answered, status, examples)
        else:
            answered[str(status)] = {"$ref": f"#/components/responses/{name}"}
    _add_good_headers(route, answered)
    operation["responses"] = dict(sorted(answered.items()))
    access = route.access if isinstance(route, FeatureRoute) else Access.PUBLIC
    if access is Access.PUBLIC:
        operation.setdefault("security", [])  # said, since leaving it out may be an oversight
    else:
        own_schemes = operation.get("security", [{}])
        optional: list[Json] = own_schemes if access is Access.OPTIONAL else []
        operation["security"] = [*optional, *[{**one, SCHEME: []} for one in own_schemes]]
    needed = named_permissions(route.dependant, Access.PERMISSION)
    for name in named_permissions(route.dependant):
        said = "Needs" if name in needed else "Others may call it by"
        text = f"{operation.get('description', '')}\n\n{said} the permission `{name}`."
        operation["description"] = text.strip()


def _add_error(answered: Json, status: int, examples: Mapping[str, Json]) -> None:
    """Add the problems of a status to what the route itself says of it."""
    answer = answered.setdefault(str(status), {"description": phrase(status)})
    if "$ref" in answer:
        return
    problem = problem_answer(status, examples)
    media = answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
    media.setdefault("schema", problem["content"][MEDIA_TYPE]["schema"])
    if "example" not in media:  # which excludes examples
        for name, example in problem["content"][MEDIA_TYPE]["examples"].items():
            media.setdefault("examples", {}).setdefault(name, example)
    if "headers" in problem:
        answer["headers"] = {**problem["headers"], **answer.get("headers", {})}


def _add_good_headers(route: APIRoute, answered: Json) -> None:
    limits = RATE_LIMIT_HEADERS if _is_limited(route) else []
    for status, answer in answered.items():
        kept = ["ETag"] if is_public(route.endpoint) and status == "200" else []
        if status[0] in "23" and "$ref" not in answer and (kept or limits):
            answer["headers"] = {**answer.get("headers", {}), **header_references([*kept, *limits])}
    if is_public(route.endpoint):
        answered.setdefault(
            "304", {"description": phrase(304), "headers": header_references(["ETag"])}
        )


def _name_apart(paths: Json) -> None:
    """Give operations that share an id one of their own each, in FastAPI's way."""
    operations = [
        (f"{path}_{method}", operation)
        for path, item in paths.items()
        for method, operation in item.items()
    ]
    times = Counter(operation.get("operationId") for _, operation in operations)
    for address, operation in operations:
        name = operation.get("operationId")
        if times[name] > 1:
            operation["operationId"] = re.sub(r"\W", "_", f"{name}{address}")


def _add_problem(document: Json) -> None:
    """Add the schemas of a problem, under other names where a feature has models of theirs."""
    schemas, paths = document["components"]["schemas"], document["paths"]
    for prefix in ("", "Kernel"):
        problem = Problem.model_json_schema(ref_template=SCHEMAS + prefix + "{model}")
        ours = {prefix + name: schema for name, schema in problem.pop("$defs").items()}
        ours[prefix + Problem.__name__] = problem
        if all(schemas.get(n, s).get("description") == s["description"] for n, s in ours.items()):
            break
    schemas.update(ours)
    answers = [*document["components"]["responses"].values()]
    for operation in [one for item in paths.values() for one in item.values()]:
        answers += operation["responses"].values()
    for answer in answers:
        media = answer.get("content", {}).get(MEDIA_TYPE, {})
        if media.get("schema") == PROBLEM:
            media["schema"] = {"$ref": SCHEMAS + prefix + Problem.__name__}


def _take_null_from_forms(operation: Json, schemas: Json) -> None:
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        name = media.get("schema", {}).get("$ref", "").removeprefix(SCHEMAS)
        if media_type != "application/json" and "Body_" in name:  # FastAPI's own
            for field in schemas[name].get("properties", {}).values():
                _without_null(field)


def _without_null(schema: Json) -> None:
    """Leave null out of what comes as text, in a query or a form, where it can't be said."""
    alternatives = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(alternatives) == 1:
        del schema["anyOf"]
        schema.update(alternatives[0])


def _refers(value: Any, schema: str) -> bool:
    return json.dumps(SCHEMAS + schema) in json.dumps(value)


def _shared_by(route: APIRoute, takes_input: bool, takes_body: bool) -> Iterator[str]:
    """The errors that the kernel answers for the route."""
    if not isinstance(route, FeatureRoute):
        return
    if takes_body:
        yield from ("Unreadable", "TooLarge")
    if route.access not in OPEN:
        yield "Unauthenticated"
    if route.access in (Access.PERMISSION, Access.SUPER):
        yield "Unprivileged"
    if route.access is Access.SELF:
        yield "NotYours"
    if takes_input:
        yield "Invalid"
    if _is_limited(route) or (is_write(route) and route.access not in OPEN):
        yield "Limited"
    yield "Unavailable"


def _is_limited(route: APIRoute) -> bool:
    return rate_limiter in calls_of(route.dependant)


def _login_path(routes: Iterable[APIRoute]) -> str | None:
    """The route that takes the OAuth2 password form, whichever feature has it."""
    takes = (r.path_format for r in routes if OAuth2PasswordRequestForm in calls_of(r.dependant))
    return next(takes, None)
