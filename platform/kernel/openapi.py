"""OpenAPI that is true: every status a route can answer, with the problem shape and examples."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.errors import MEDIA_TYPE, Problem, phrase


def answers(details: Mapping[int, Sequence[str]]) -> dict[int | str, dict[str, Any]]:
    """A route's own errors for `responses=`: each status with the details that it may bear."""
    return {status: _problem(status, texts) for status, texts in details.items()}


def _problem(status: int, details: Sequence[str]) -> dict[str, Any]:
    examples = {
        detail: {
            "value": {
                "type": "about:blank",
                "title": phrase(status),
                "status": status,
                "detail": detail,
                "instance": "/api/v1/...",
            }
        }
        for detail in details
    }
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    content = {MEDIA_TYPE: {"schema": schema, "examples": examples}}
    return {"description": phrase(status), "content": content}
