"""OpenAPI that is true: every status a route can answer, with the problem shape and examples.

FastAPI describes inputs and the answer that went well. The rest is known from the route itself:
who may call it, whether it takes a body, whether it is limited, whether clients may keep it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from fastapi.routing import APIRoute
from fastapi.security import OAuth2PasswordRequestForm

from kernel.cache.client_side import is_public
from kernel.errors import RATE_LIMIT_EXCEEDED, phrase
from kernel.rate_limit.dependency import rate_limiter
from kernel.web.access import NOT_YOURS, PRIVILEGES, Access
from kernel.web.problems import DATABASE_UNAVAILABLE, MEDIA_TYPE, Problem
from kernel.web.router import FeatureRoute, access_of, calls_of

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
SCHEME = "bearer"
HEADERS: Json = {
    "RateLimit": {
        "description": "What is left (r) and the seconds until more is (t), by "
        "draft-ietf-httpapi-ratelimit-headers.",
        "schema": {"type": "string", "examples": ['"default";r=9;t=3600']},
    },
    "RateLimit-Policy": {
        "description": "The requests (q) allowed in any window of w seconds.",
        "schema": {"type": "string", "examples": ['"default";q=10;w=3600']},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string", "examples": ["Bearer"]},
    },
    "ETag": {
        "description": "Names this very answer, for If-None-Match.",
        "schema": {"type": "string"},
    },
}
RATE_LIMIT_HEADERS = ["RateLimit", "RateLimit-Policy"]
HEADERS_OF_STATUS = {
    401: ["WWW-Authenticate"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}
INVALID: Json = {
    "detail": "body.name: Field required",
    "errors": [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}],
}


def _examples(*details: str) -> dict[str, Json]:
    return {detail: {"detail": detail} for detail in details}


# The errors that the kernel answers: their name in the document, status and examples.
SHARED: dict[str, tuple[int, dict[str, Json]]] = {
    "Unreadable": (400, _examples("There was an error parsing the body")),
    "Unauthenticated": (401, _examples("Not authenticated", "User not authenticated.")),
    "Unprivileged": (403, _examples(PRIVILEGES)),
    "NotYours": (403, _examples(NOT_YOURS)),
    "TooLarge": (413, _examples("The body is larger than 1048576 bytes.")),
    "Invalid": (422, {"Invalid input": INVALID}),
    "Limited": (429, _examples(RATE_LIMIT_EXCEEDED)),
    "Unavailable": (503, _examples(DATABASE_UNAVAILABLE)),
}


def error_responses(details: Mapping[int, Sequence[str]]) -> dict[int | str, dict[str, Any]]:
    """A route's own errors for `responses=`: each status with the details that it may bear."""
    return {status: _problem(status, _examples(*texts)) for status, texts in details.items()}


def complete(document: Json, routes: Iterable[APIRoute]) -> Json:
    """FastAPI's document with every other answer of these routes, and how to authenticate."""
    # Routes may share what they were declared with; each gets its own copy to be completed.
    document = orjson.loads(orjson.dumps(document))
    routes = [route for route in routes if route.include_in_schema]
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _describe(route, operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in filter(lambda name: name.startswith("Body_"), schemas):  # FastAPI's, of forms
        for field in schemas[name]["properties"].values():
            _without_null(field)
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    problem = Problem.model_json_schema(ref_template=SCHEMAS + "{model}")
    schemas.update({**problem.pop("$defs", {}), Problem.__name__: problem})
    components["headers"] = HEADERS
    components["responses"] = {
        name: _problem(status, examples) for name, (status, examples) in SHARED.items()
    }
    components["responses"]["Limited"]["headers"] |= _headers(RATE_LIMIT_HEADERS)
    if login := _login_path(routes):
        flow = {"tokenUrl": login, "scopes": {}}
        components["securitySchemes"] = {SCHEME: {"type": "oauth2", "flows": {"password": flow}}}
    else:
        components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    return document


def _describe(route: APIRoute, operation: Json) -> None:
    for parameter in operation.get("parameters", []):
        _without_null(parameter["schema"])
    answered = operation["responses"]
    takes_body = "requestBody" in operation
    takes_input = takes_body or bool(operation.get("parameters"))
    if takes_input and MEDIA_TYPE not in answered.get("422", {}).get("content", {}):
        answered.pop("422", None)  # FastAPI's own shape, which no answer has here
    for name in _shared_by(route, takes_input, takes_body):
        status, examples = SHARED[name]
        if str(status) not in answered:
            answered[str(status)] = {"$ref": f"#/components/responses/{name}"}
            continue
        named = answered[str(status)]["content"][MEDIA_TYPE]["examples"]
        for title, example in examples.items():
            named.setdefault(title, {"value": _value(status, example)})
    good = next(answer for status, answer in answered.items() if status.startswith("2"))
    headers = []
    if is_public(route.endpoint):
        headers.append("ETag")
        answered["304"] = {"description": phrase(304), "headers": _headers(["ETag"])}
    if _is_limited(route):
        headers += RATE_LIMIT_HEADERS
    if headers:
        good["headers"] = {**good.get("headers", {}), **_headers(headers)}
    operation["responses"] = dict(sorted(answered.items()))
    access = route.access if isinstance(route, FeatureRoute) else Access.PUBLIC
    if access is Access.OPTIONAL:
        operation["security"] = [{}, {SCHEME: []}]
    elif access is not Access.PUBLIC:
        operation["security"] = [{SCHEME: []}]


def _without_null(schema: Json) -> None:
    """Leave null out of what comes as text, in a query or a form, where it can't be said."""
    alternatives = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(alternatives) == 1:
        del schema["anyOf"]
        schema.update(alternatives[0])


def _shared_by(route: APIRoute, takes_input: bool, takes_body: bool) -> Iterator[str]:
    """The errors that the kernel answers for the route."""
    if not isinstance(route, FeatureRoute):
        return
    if takes_body:
        yield from ("Unreadable", "TooLarge")
    if access_of(route.dependant) not in (Access.PUBLIC, Access.OPTIONAL):
        yield "Unauthenticated"
    if access_of(route.dependant) is Access.SUPER:
        yield "Unprivileged"
    if access_of(route.dependant) is Access.SELF:
        yield "NotYours"
    if takes_input:
        yield "Invalid"
    if _is_limited(route):
        yield "Limited"
    yield "Unavailable"


def _problem(status: int, examples: Mapping[str, Json]) -> Json:
    values = {name: {"value": _value(status, example)} for name, example in examples.items()}
    schema = {"$ref": SCHEMAS + Problem.__name__}
    problem = {
        "description": phrase(status),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": values}},
    }
    if status in HEADERS_OF_STATUS:
        problem["headers"] = _headers(HEADERS_OF_STATUS[status])
    return problem


def _value(status: int, example: Json) -> Json:
    return {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "instance": "/api/v1/...",
        **example,
    }


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _is_limited(route: APIRoute) -> bool:
    return rate_limiter in calls_of(route.dependant)


def _login_path(routes: Iterable[APIRoute]) -> str | None:
    """The route that takes the OAuth2 password form, whichever feature has it."""
    for route in routes:
        if OAuth2PasswordRequestForm in calls_of(route.dependant):
            return route.path_format
    return None
