"""The OpenAPI document says of every route what it takes and every status it can answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter

from infra.contract import pieces
from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.schemas.schemas import Message
from kernel.web.router import SessionDep

Json = dict[str, Any]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> Json:
    """The document of the application, which needs no server; without what a feature adds to the
    routes of others."""
    return pieces.application().openapi()


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def answer(document: Json, operation: Json, status: int) -> Json:
    found: Json = operation["responses"][str(status)]
    if "$ref" in found:
        found = document["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def details(document: Json, operation: Json, status: int) -> set[str]:
    examples = answer(document, operation, status)["content"][PROBLEM]["examples"]
    return {example["value"]["detail"] for example in examples.values()}


def test_the_api_is_described_by_its_settings() -> None:
    settings = {
        "APP_NAME": "Library",
        "APP_DESCRIPTION": "Lends books.",
        "APP_VERSION": "3.1",
        "CONTACT_NAME": "Ada",
        "CONTACT_EMAIL": "ada@example.com",
        "LICENSE_NAME": "MIT",
    }

    info = create_application(Settings(settings)).openapi()["info"]

    assert info == {
        "title": "Library",
        "description": "Lends books.",
        "version": "3.1",
        "contact": {"name": "Ada", "email": "ada@example.com"},
        "license": {"name": "MIT"},
    }


@pytest.mark.parametrize("email", ["not-an-email", "Your email"])
def test_a_contact_address_that_is_none_is_left_out_with_one_warning(
    email: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_application(Settings({"CONTACT_NAME": "Ada", "CONTACT_EMAIL": email}))

    assert app.openapi()["info"]["contact"] == {"name": "Ada"}
    assert capsys.readouterr().err.count("CONTACT_EMAIL") == 1


def test_operations_are_called_like_their_functions_and_each_has_its_own_name(
    document: Json,
) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert {"read_health", "login", "read_user_me"} <= set(names)
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does(document: Json) -> None:
    silent = [path for _, path, operation in operations(document) if not operation["description"]]

    assert silent == []


def test_every_error_is_a_problem_with_an_example_of_itself(document: Json) -> None:
    for _, path, operation in operations(document):
        for status in map(int, operation["responses"]):
            if status < 400:
                continue
            content = answer(document, operation, status)["content"]
            assert list(content) == [PROBLEM], (path, status)
            assert content[PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}
            examples = [example["value"] for example in content[PROBLEM]["examples"].values()]
            assert examples, (path, status)
            assert {example["status"] for example in examples} == {status}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_good_answer_has_a_schema(document: Json) -> None:
    for _, path, operation in operations(document):
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, path
        for status in good:  # an archive is a file, and none of JSON
            for media, content in operation["responses"][status]["content"].items():
                assert content.get("schema") or media != "application/json", path


def test_what_takes_input_can_refuse_it_and_what_takes_a_body_its_size(document: Json) -> None:
    for _, path, operation in operations(document):
        body = "requestBody" in operation
        assert ("422" in operation["responses"]) == (body or "parameters" in operation), path
        assert ("413" in operation["responses"]) == body, path


def test_what_needs_a_caller_says_so_and_what_may_know_one_says_that(document: Json) -> None:
    paths = document["paths"]

    public = paths["/api/v1/user"]["post"]
    optional = paths["/api/v1/user/{username}"]["get"]
    own = paths["/api/v1/user/{username}"]["delete"]
    super_only = paths["/api/v1/db_user/{username}"]["delete"]

    assert public["security"] == []
    assert optional["security"] == [{}, {"bearer": []}]
    assert "401" not in optional["responses"]
    for operation in (own, super_only):
        assert operation["security"] == [{"bearer": []}]
        assert details(document, operation, 401) == {
            "Not authenticated",
            "User not authenticated.",
        }
        assert answer(document, operation, 401)["headers"].keys() == {"WWW-Authenticate"}
    again = "Enter your password again first: POST /api/v1/step-up."
    foreign, few = (
        "Request forbidden -- authorization will not help",
        "You do not have enough privileges.",
    )
    assert details(document, own, 403) == {foreign, again}
    assert details(document, super_only, 403) == {few, again}


def test_the_password_flow_leads_to_the_login(document: Json) -> None:
    scheme = document["components"]["securitySchemes"]["bearer"]

    assert scheme["flows"]["password"]["tokenUrl"] == "/api/v1/login"
    assert "/api/v1/login" in document["paths"]


def test_own_details_stand_beside_those_that_every_route_has(document: Json) -> None:
    registration = document["paths"]["/api/v1/user"]["post"]

    assert {"Email is already registered", "body.name: Field required"} <= details(
        document, registration, 422
    )
    assert answer(document, registration, 429)["headers"].keys() == {"Retry-After"}
    assert answer(document, registration, 503)["headers"].keys() == {"Retry-After"}


def test_what_clients_may_keep_has_an_etag_and_a_304(document: Json) -> None:
    kept = document["paths"]["/api/v1/users"]["get"]["responses"]
    own = document["paths"]["/api/v1/user/me/"]["get"]["responses"]

    assert kept["304"]["headers"] == kept["200"]["headers"]
    assert kept["200"]["headers"].keys() == {"ETag"}
    assert "304" not in own


def test_moments_are_date_times(document: Json) -> None:
    schemas = document["components"]["schemas"]
    moments = [
        (name, field, schema)
        for name, model in schemas.items()
        for field, schema in model.get("properties", {}).items()
        if field.endswith(("_at", "_time"))
    ]

    assert moments
    for name, field, schema in moments:
        kinds = [schema, *schema.get("anyOf", [])]
        assert any(kind.get("format") == "date-time" for kind in kinds), (name, field)


async def test_the_document_is_served_as_it_is(app: Application, client: Any) -> None:
    answer = await client.get("/openapi.json")

    assert answer.json() == app.openapi()


def test_without_a_login_the_token_is_asked_for_itself() -> None:
    router = APIRouter(tags=["lone"])

    @router.get("/lone", response_model=Message)
    async def read_lone(db: SessionDep) -> Message:
        """Answer."""
        return Message(message="alone")

    document = create_application(Settings(), [router]).openapi()

    assert document["components"]["securitySchemes"]["bearer"]["type"] == "http"
