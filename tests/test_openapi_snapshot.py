"""The OpenAPI document as clients know it: it changes only when somebody means it to."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

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


@pytest.mark.parametrize("gone", [r for r in feature_routers() if r.tags != ["auth"]], ids=tag_of)
def test_a_feature_that_goes_takes_its_share_along_and_nothing_else(
    gone: APIRouter, whole: dict[str, Json]
) -> None:
    others = [router for router in feature_routers() if router is not gone]
    rest = pieces.shares(pieces.application(others))

    first: Any = gone.routes[0]
    while not isinstance(first, APIRoute):  # of a router that is made of several
        first = first.original_router.routes[0]
    share = pieces.share_of(first)
    assert rest == {file: content for file, content in whole.items() if file != share}


def test_writing_leaves_no_share_of_what_is_gone(tmp_path: Path, whole: dict[str, Json]) -> None:
    old = tmp_path / "features" / "gone" / "tests" / "openapi.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({"paths": {}, "schemas": {}}))

    pieces.write(whole, tmp_path)

    assert recorded.recorded(tmp_path) == whole
    assert not old.exists()
