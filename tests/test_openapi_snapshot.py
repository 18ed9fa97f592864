"""The OpenAPI document as clients know it: it changes only when somebody means it to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute, iter_route_contexts

from infra.contract import pieces, recorded
from infra.contract.recorded import Json
from infra.contract.report import UPDATE, changes
from kernel.app import Application, feature_routers


def tag_of(router: APIRouter) -> str:
    return str(router.tags[0])


@pytest.fixture(scope="module")
def app() -> Application:
    """The application of all features, as it is described."""
    return pieces.application()


@pytest.fixture(scope="module")
def whole(app: Application) -> dict[str, Json]:
    """The document of all features, by file."""
    return pieces.shares(app)


def test_the_document_is_the_recorded_one(whole: dict[str, Json]) -> None:
    difference = changes(recorded.recorded(), whole)

    if difference:
        pytest.fail(f"{difference}\nIf you mean it: {UPDATE}, and commit the files.", pytrace=False)


def test_the_pieces_make_the_whole(app: Application, whole: dict[str, Json]) -> None:
    assert recorded.assembled(whole) == pieces.document(app)


def described(router: APIRouter) -> list[APIRoute]:
    """Its routes, those of the routers that it is made of too."""
    contexts = iter_route_contexts(router.routes)
    return [one.original_route for one in contexts if isinstance(one.original_route, APIRoute)]


@contextmanager
def without(app: Application, router: APIRouter) -> Iterator[None]:
    """The application as if it had never had the router, for the length of a block."""
    served, features = list(app.router.routes), app.state.feature_routes
    gone = {route.endpoint for route in described(router)}
    rest = [route for route in served if getattr(route, "endpoint", None) not in gone]
    app.router.routes[:], app.openapi_schema = rest, None
    app.state.feature_routes = [route for route in features if route in rest]
    try:
        yield
    finally:
        app.router.routes[:], app.openapi_schema = served, None
        app.state.feature_routes = features


@pytest.mark.parametrize("gone", [r for r in feature_routers() if r.tags != ["auth"]], ids=tag_of)
def test_a_feature_that_goes_takes_its_share_along_and_nothing_else(
    gone: APIRouter, app: Application, whole: dict[str, Json]
) -> None:
    with without(app, gone):
        rest = pieces.shares(app)

    [share] = {pieces.share_of(route) for route in described(gone)}
    assert rest == {file: content for file, content in whole.items() if file != share}


def test_writing_leaves_no_share_of_what_is_gone(tmp_path: Path, whole: dict[str, Json]) -> None:
    old = tmp_path / "features" / "gone" / "tests" / "openapi.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({"paths": {}, "schemas": {}}))

    pieces.write(whole, tmp_path)

    assert recorded.recorded(tmp_path) == whole
    assert not old.exists()
