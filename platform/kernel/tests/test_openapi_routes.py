"""Whatever FastAPI can document, the completed document is valid OpenAPI."""

import json
import math
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, File, Form, Query, Security, UploadFile, WebSocket
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBasic
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from kernel.cache.client_side import public
from kernel.errors import NotFoundException
from kernel.rate_limit.dependency import rate_limiter
from kernel.web.access import Access, access
from kernel.web.openapi import complete
from kernel.web.routes import place

Json = dict[str, Any]


class Body_Kind(Enum):  # noqa: N801 as FastAPI calls its own models of forms
    """An enum whose name begins like a form's."""

    PAPER = "paper"


class Body_Book(BaseModel):  # noqa: N801
    """A model whose name begins like a form's."""

    note: str | None = None
    kind: Body_Kind = Body_Kind.PAPER


class Problem(BaseModel):
    """A riddle, which bears the name of the kernel's own model."""

    question: str


class Invalid(BaseModel):
    """A sick person."""

    name: str


class Measure(BaseModel):
    """Numbers that JSON has no word for, or few programs room."""

    ratio: float = math.inf
    count: Annotated[int, Field(le=10**30)] = 1
    price: Decimal = Decimal("1.10")
    at: datetime = datetime(2026, 1, 1)


@access(Access.USER)
async def caller() -> int:
    return 1


def document_of(*routers: APIRouter) -> Json:
    app = FastAPI(routes=place(routers, None))
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of equal ids
        return complete(app.openapi(), [one for one in app.routes if isinstance(one, APIRoute)])


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def check(document: Json) -> None:
    """Hold a document to OpenAPI 3.1: its structure, its references, its operations' ids."""
    # FastAPI describes the items of a stream in the words of OpenAPI 3.2.
    text = json.dumps(document, allow_nan=False).replace('"itemSchema"', '"x-itemSchema"')
    problems = OPENAPI_31_VALIDATOR.iter_errors(json.loads(text))
    assert [f"{one.instance_path}: {one.message}" for one in problems] == []
    for reference in references(document):
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids)), sorted(ids)


Responses = dict[int | str, dict[str, Any]]
RESPONSES: list[Responses] = [
    {},
    {401: {"description": "No token."}},
    {503: {"description": "Closed.", "headers": {"Retry-After": {"schema": {"type": "string"}}}}},
    {404: {"model": Problem}, 422: {"model": Invalid, "description": "Sick."}},
    {"2XX": {"description": "Well."}, "4XX": {"model": Problem}, "default": {"model": Invalid}},
    {422: {"content": {"application/problem+json": {"example": {"detail": "no"}}}}},
    {429: {"content": {"text/html": {"schema": {"type": "string"}}}}, 304: {"description": "Old."}},
    {404: {"$ref": "#/components/responses/Unavailable"}},
]


async def plain(id: int = 1) -> Any:
    raise NotFoundException("Not here.")


async def takes_form(note: Annotated[str | None, Form()] = None) -> Any:
    return note


async def takes_file(file: Annotated[UploadFile | None, File()] = None) -> Any:
    return None


async def takes_bodies(book: Body_Book, other: Problem | None = None) -> Any:
    return book


async def takes_numbers(measure: Measure, ratio: Annotated[float, Query()] = math.inf) -> Any:
    return measure


async def streams() -> Any:
    yield Invalid(name="ada")


ENDPOINTS: list[Callable[..., Any]] = [
    plain,
    takes_form,
    takes_file,
    takes_bodies,
    takes_numbers,
    streams,
]
CLASSES = [
    *[None, HTMLResponse, PlainTextResponse, RedirectResponse, FileResponse],
    *[StreamingResponse, Response],
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"]
DEPENDENCIES: list[Any] = [
    *[Depends(caller), Depends(rate_limiter), Security(APIKeyHeader(name="X-Key"))],
    Security(HTTPBasic(scheme_name="bearer")),
]
EXTRA: list[Json | None] = [
    None,
    {"security": [{"bearer": []}], "x-own": 1},
    {"parameters": [{"in": "query", "name": "q", "content": {"text/plain": {"schema": {}}}}]},
    {"requestBody": {"content": {"application/xml": {"schema": {"type": "object"}}}}},
    {"responses": {"409": {"description": "Lent."}}},
]


def add(router: APIRouter, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
    response_class = options.pop("response_class", None)
    if response_class is not None:
        options |= {"response_class": response_class, "response_model": None}
    router.add_api_route(path, endpoint, **options)


@st.composite
def odd_routers(draw: st.DrawFn) -> APIRouter:
    router = APIRouter()
    callbacks = APIRouter()
    callbacks.add_api_route("{$request.body#/url}", takes_bodies, methods=["POST"])
    for number in range(draw(st.integers(1, 4))):
        endpoint = draw(st.sampled_from(ENDPOINTS))
        options: Json = {
            "methods": draw(st.lists(st.sampled_from(METHODS), min_size=1, unique=True)),
            "responses": draw(st.sampled_from(RESPONSES)),
            "dependencies": draw(st.lists(st.sampled_from(DEPENDENCIES), unique_by=id)),
            "openapi_extra": draw(st.sampled_from(EXTRA)),
            "status_code": draw(st.sampled_from([None, 200, 201, 204, 205, 304, 307, 410, 503])),
        }
        if endpoint is not streams and options["status_code"] not in (204, 205, 304):
            options["response_class"] = draw(st.sampled_from(CLASSES))
        elif options["status_code"] in (204, 205, 304):
            options["response_model"] = None
        if draw(st.booleans()):
            options["callbacks"] = callbacks.routes
        if draw(st.booleans()):
            options["operation_id"] = "own"
        add(router, f"/odd/{number}", endpoint, **options)
    return router


@settings(max_examples=60, deadline=None)
@given(odd_routers())
def test_odd_routes_are_described_validly(router: APIRouter) -> None:
    check(document_of(router))


@pytest.mark.parametrize("responses", RESPONSES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_a_route_says_of_its_answers_stays(endpoint: Any, responses: Responses) -> None:
    router = APIRouter()
    router.add_api_route("/odd", endpoint, methods=["POST"], responses=responses)
    router.dependencies.append(Depends(caller))

    document = document_of(router)

    check(document)
    answers = document["paths"]["/api/v1/odd"]["post"]["responses"]
    for status, said in responses.items():
        answer = answers[str(status)]
        if "description" in said:
            assert answer["description"] == said["description"]
        for media_type, media in said.get("content", {}).items():
            assert answer["content"][media_type].items() >= media.items()


def test_the_problem_of_an_error_that_a_route_documents_stands_beside_its_own_words() -> None:
    router = APIRouter(dependencies=[Depends(caller)])
    router.add_api_route("/odd", plain, responses={401: {"model": Invalid, "description": "Who?"}})

    answer = document_of(router)["paths"]["/api/v1/odd"]["get"]["responses"]["401"]

    assert answer["description"] == "Who?"
    assert set(answer["content"]) == {"application/json", "application/problem+json"}
    assert "Not authenticated" in answer["content"]["application/problem+json"]["examples"]
    assert set(answer["headers"]) == {"WWW-Authenticate"}


def test_models_named_like_the_kernel_s_keep_their_names_and_shapes() -> None:
    router = APIRouter()
    router.add_api_route("/odd", takes_bodies, methods=["POST"], response_model=Problem)
    router.add_api_route("/sick", plain, response_model=Invalid)

    document = document_of(router)

    check(document)
    schemas = document["components"]["schemas"]
    assert set(schemas["Problem"]["properties"]) == {"question"}
    assert set(schemas["Invalid"]["properties"]) == {"name"}
    missing = document["paths"]["/api/v1/sick"]["get"]["responses"]["404"]
    reference = missing["content"]["application/problem+json"]["schema"]
    assert reference == {"$ref": "#/components/schemas/KernelProblem"}


def test_null_is_left_out_of_forms_and_not_of_json() -> None:
    router = APIRouter()
    router.add_api_route("/form", takes_form, methods=["POST"])
    router.add_api_route("/json", takes_bodies, methods=["POST"])

    schemas = document_of(router)["components"]["schemas"]

    null = {"type": "null"}
    assert "anyOf" not in schemas["Body_takes_form"]["properties"]["note"]
    assert null in schemas["Body_takes_bodies"]["properties"]["other"]["anyOf"]
    assert null in schemas["Body_Book"]["properties"]["note"]["anyOf"]


def test_functions_of_one_name_get_ids_and_forms_of_their_own() -> None:
    one, two = APIRouter(), APIRouter()
    one.add_api_route("/one", takes_form, methods=["POST"], name="send")
    two.add_api_route("/two", takes_file, methods=["POST"], name="send")
    two.add_api_route("/three", plain, methods=["GET", "POST"])
    two.add_api_route("/four", streams)

    document = document_of(one, two)

    check(document)
    ids = {one["operationId"] for item in document["paths"].values() for one in item.values()}
    assert "streams" in ids
    assert "plain_api_v1_three_get" in ids
    assert "send_api_v1_one_post" in ids
    forms = [form for name, form in document["components"]["schemas"].items() if "Body_" in name]
    assert [set(form["properties"]) for form in forms] == [{"note"}, {"file"}]
    assert "null" not in json.dumps(forms)


def test_what_is_no_operation_changes_nothing() -> None:
    router, sub = APIRouter(), APIRouter()

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()

    router.add_api_websocket_route("/socket", socket)
    router.mount("/files", HTMLResponse("files"))
    sub.add_api_route("/plain", public(plain))
    router.include_router(sub, prefix="/sub")

    document = document_of(router)

    check(document)
    assert [path for path in document["paths"] if "v1" in path] == ["/api/v1/sub/plain"]
