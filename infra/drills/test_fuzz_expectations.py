"""What the fuzzer's expectations are derived from: the document that the application offers."""

import tomllib
from typing import Any

import pytest

from infra.drills.fuzz_expectations import general

AVAILABLE = "ensure_resource_availability"
ACCEPTED = "positive_data_acceptance"


def checked(path: str, operation: dict[str, Any], **schemas: Any) -> set[str]:
    """The checks whose expectation of the operation is another one than usual."""
    operation = {"operationId": "it", "responses": {}} | operation
    document = {"paths": {path: {"post": operation}}, "components": {"schemas": schemas}}
    told = tomllib.loads(general(document)).get("operations", [])
    return {check for one in told for check in one["checks"] if one["include-operation-id"]}


def body(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def refused(*words: str) -> dict[str, Any]:
    examples = {word: {"value": {"detail": word}} for word in words}
    answer = {"content": {"application/problem+json": {"examples": examples}}}
    return body(number={"type": "string"}) | {"responses": {"422": answer}}


def test_a_body_may_be_refused_in_words_that_the_document_has() -> None:
    assert checked("/invoices", refused("Invalid input", "This number is taken")) == {ACCEPTED}
    assert checked("/invoices", refused("Invalid input")) == set()


DECIMAL = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (DECIMAL, {ACCEPTED}),
        ({"type": "array", "items": DECIMAL}, {ACCEPTED}),
        ({"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]}, {ACCEPTED}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, set()),
        ({"type": "string", "examples": [DECIMAL]}, set()),
        ({"$ref": "#/components/schemas/Line"}, {ACCEPTED}),
    ],
)
def test_a_body_may_be_refused_where_a_schema_says_too_little(
    schema: dict[str, Any], expected: set[str]
) -> None:
    line = {"properties": {"price": DECIMAL, "next": {"$ref": "#/components/schemas/Line"}}}

    assert checked("/invoices", body(it=schema), Line=line) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/user/{username}", set()),
        ("/user/{username}/tier", {AVAILABLE}),
        ("/{username}/post/{id}", {AVAILABLE}),
        ("/invoices/{id}", set()),
        ("/invoices", set()),
    ],
)
def test_what_was_created_may_be_gone_where_it_is_a_part_or_an_account_s(
    path: str, expected: set[str]
) -> None:
    assert checked(path, {}) == expected
