"""How the errors of the API are documented: their shape, headers and examples."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from kernel.errors import RATE_LIMIT_EXCEEDED, phrase
from kernel.web.access import NOT_YOURS, PRIVILEGES
from kernel.web.database_errors import DATABASE_UNAVAILABLE
from kernel.web.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
PROBLEM = {"$ref": SCHEMAS + Problem.__name__}
HEADERS: Json = json.loads(Path(__file__).with_name("headers.json").read_text(encoding="utf-8"))
RATE_LIMIT_HEADERS = ["RateLimit", "RateLimit-Policy"]
HEADERS_OF_STATUS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
INVALID: Json = {
    "detail": "body.name: Field required",
    "errors": [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}],
}


def examples_of(*details: str) -> dict[str, Json]:
    """Examples of a problem, by its details."""
    return {detail: {"detail": detail} for detail in details}


# The errors that the kernel answers: their name in the document, status and examples.
SHARED: dict[str, tuple[int, dict[str, Json]]] = {
    "Unreadable": (400, examples_of("There was an error parsing the body")),
    "Unauthenticated": (401, examples_of("Not authenticated", "User not authenticated.")),
    "Unprivileged": (403, examples_of(PRIVILEGES)),
    "NotYours": (403, examples_of(NOT_YOURS)),
    "TooLarge": (413, examples_of("The body is larger than 1048576 bytes.")),
    "Invalid": (422, {"Invalid input": INVALID}),
    "Limited": (429, examples_of(RATE_LIMIT_EXCEEDED)),
    "Unavailable": (503, examples_of(DATABASE_UNAVAILABLE)),
}


def error_responses(details: Mapping[int, Sequence[str]]) -> dict[int | str, dict[str, Any]]:
    """Errors that a route's code doesn't show, for `responses=`: their details, by status."""
    return {code: problem_answer(code, examples_of(*texts)) for code, texts in details.items()}


def operations_of(document: Json, routes: Iterable[APIRoute]) -> Iterator[tuple[APIRoute, Json]]:
    """Each of these routes with its operation in the document, where that shows it."""
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                yield route, operation


def add_answers(operation: Json, answers: Mapping[int | str, Json]) -> None:
    """Let an operation answer these, too, but where it says by itself what it answers."""
    others = {str(status): answer for status, answer in answers.items()}
    operation["responses"] = dict(sorted({**others, **operation["responses"]}.items()))


def problem_answer(status: int, examples: Mapping[str, Json]) -> Json:
    """An answer in the document: a problem of that status."""
    values = {name: {"value": _value(status, example)} for name, example in examples.items()}
    problem = {
        "description": phrase(status),
        "content": {MEDIA_TYPE: {"schema": {**PROBLEM}, "examples": values}},
    }
    if status in HEADERS_OF_STATUS:
        problem["headers"] = header_references(HEADERS_OF_STATUS[status])
    return problem


def _value(status: int, example: Json) -> Json:
    return {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "instance": "/api/v1/...",
        **example,
    }


def header_references(names: Iterable[str]) -> Json:
    """The headers of an answer, described in the components."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
