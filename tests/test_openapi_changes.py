"""A change of the OpenAPI document is told apart by whether it breaks a client."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.contract.compatibility import breaking
from infra.contract.recorded import committed
from infra.contract.report import changes
from tests.copies import commit_all

Json = dict[str, Any]

DOCUMENT: Json = {
    "paths": {
        "/books": {
            "post": {
                "operationId": "write_book",
                "parameters": [
                    {"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 9}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Given"}}
                    },
                },
                "responses": {
                    "201": {
                        "headers": {"ETag": {}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Book"}}
                        },
                    },
                    "409": {},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Given": {
                "type": "object",
                "additionalProperties": False,
                "required": ["title"],
                "properties": {
                    "title": {"type": "string", "minLength": 2},
                    "kind": {"enum": ["novel", "poem"], "type": "string"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
            },
            "Book": {
                "type": "object",
                "required": ["id", "title"],
                "properties": {
                    "id": {"type": "integer"},
                    "title": {"type": "string"},
                    "pages": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
Change = Callable[[Json, Json, Json], Any]


def changed(change: Change) -> Json:
    document = deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    change(document["paths"]["/books"]["post"], schemas["Given"], schemas["Book"])
    return document


def test_nothing_breaks_by_itself() -> None:
    assert breaking(DOCUMENT, deepcopy(DOCUMENT)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda route, given, book: route.update(operationId="make_book"), "is now make_book"),
        (lambda route, given, book: route.update(security=[{"bearer": []}]), "authentication"),
        (lambda route, given, book: route.pop("parameters"), "query parameter q is gone"),
        (
            lambda route, given, book: route["parameters"][0].update(required=True),
            "query parameter q is required now",
        ),
        (
            lambda route, given, book: route["parameters"][0]["schema"].update(maxLength=5),
            "query parameter q: maxLength 9 before, 5 now",
        ),
        (
            lambda route, given, book: route["parameters"].append(
                {"in": "query", "name": "p", "required": True, "schema": {}}
            ),
            "p is new and required",
        ),
        (lambda route, given, book: given["required"].append("kind"), "body.kind: may be absent"),
        (lambda route, given, book: given["properties"].pop("note"), "body.note: known before"),
        (
            lambda route, given, book: given["properties"].update(note={"type": "string"}),
            "body.note: null before, string now",
        ),
        (
            lambda route, given, book: given["properties"]["note"]["anyOf"][0].update(maxLength=9),
            "body.note: maxLength None before, 9 now",
        ),
        (
            lambda route, given, book: given["properties"]["kind"]["enum"].pop(),
            "body.kind: ['poem'] possible before",
        ),
        (
            lambda route, given, book: given["properties"]["title"].update(pattern="^[a-z]+$"),
            "body.title: pattern None before",
        ),
        (lambda route, given, book: book["properties"].pop("title"), "answer 201.title"),
        (lambda route, given, book: book["required"].remove("id"), "answer 201.id: may be absent"),
        (
            lambda route, given, book: book["properties"].update(id={"type": "string"}),
            "answer 201.id: string now, integer before",
        ),
        (
            lambda route, given, book: book["properties"]["pages"]["items"].pop("minimum"),
            "answer 201.pages[]: minimum None now",
        ),
        (
            lambda route, given, book: route["responses"].update(
                {"200": route["responses"].pop("201")}
            ),
            "answers 201 no more",
        ),
        (lambda route, given, book: route["responses"]["201"].pop("headers"), "bears ETag no more"),
    ],
)
def test_what_a_client_relied_on_is_missed(change: Change, told: str) -> None:
    after = changed(change)
    if "title" not in after["components"]["schemas"]["Book"]["properties"]:
        after["components"]["schemas"]["Book"]["required"] = ["id"]

    problems = breaking(DOCUMENT, after)

    assert len(problems) == 1, problems
    assert problems[0].startswith("POST /books: ")
    assert told in problems[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda route, given, book: route["responses"].pop("409"),
        lambda route, given, book: route["responses"].update({"429": {}}),
        lambda route, given, book: route["parameters"].append(
            {"in": "query", "name": "p", "schema": {}}
        ),
        lambda route, given, book: route["parameters"][0]["schema"].pop("maxLength"),
        lambda route, given, book: route.update(security=[{}, {"bearer": []}]),
        lambda route, given, book: given["required"].clear(),
        lambda route, given, book: given["properties"].update(isbn={"type": "string"}),
        lambda route, given, book: given["properties"]["kind"]["enum"].append("essay"),
        lambda route, given, book: given["properties"]["title"].update(minLength=1),
        lambda route, given, book: book["properties"].update(isbn={"type": "string"}),
        lambda route, given, book: book["required"].append("pages"),
        lambda route, given, book: book["properties"]["pages"]["items"].update(minimum=2),
    ],
)
def test_what_only_adds_breaks_no_client(change: Change) -> None:
    assert breaking(DOCUMENT, changed(change)) == []


def test_a_removed_operation_breaks_and_a_new_one_is_listed() -> None:
    moved = deepcopy(DOCUMENT)
    moved["paths"] = {"/novels": moved["paths"]["/books"]}

    told = changes(
        {"tests/snapshots/openapi.json": DOCUMENT}, {"tests/snapshots/openapi.json": moved}
    )

    assert "BREAKS" in told
    assert "- POST /books is gone" in told
    assert "+ POST /novels is new" in told


def test_what_is_not_committed_has_no_client_to_break() -> None:
    moved = deepcopy(DOCUMENT)
    moved["paths"] = {"/novels": moved["paths"]["/books"]}
    before, after = ({"tests/snapshots/openapi.json": one} for one in (DOCUMENT, moved))

    assert "No client breaks." in changes(before, after, committed={})
    assert "BREAKS" in changes(before, after, committed=before)


def test_the_committed_record_is_read_from_git(tmp_path: Path) -> None:
    assert committed(tmp_path) is None
    for name in ("notes", "drafts"):
        (tmp_path / "features" / name / "tests").mkdir(parents=True)
        (tmp_path / "features" / name / "tests" / "openapi.json").write_text('{"paths": {}}')
        if name == "notes":
            commit_all(tmp_path, "a note")

    assert committed(tmp_path) == {"features/notes/tests/openapi.json": {"paths": {}}}
