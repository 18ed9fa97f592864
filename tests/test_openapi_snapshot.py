"""The OpenAPI document as clients know it: it changes only when somebody means it to."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from infra.contract import pieces, recorded
from infra.contract.report import UPDATE, changes
from kernel.app import feature_routers


def tag_of(router: APIRouter) -> str:
    return str(router.tags[0])


def test_the_document_is_the_recorded_one() -> None:
    difference = changes(recorded.recorded(), pieces.shares(pieces.application()))

    if difference:
        pytest.fail(f"{difference}\nIf you mean it: {UPDATE}, and commit the files.", pytrace=False)


def test_the_pieces_make_the_whole() -> None:
    app = pieces.application()

    assert recorded.assembled(pieces.shares(app)) == pieces.document(app)


@pytest.mark.parametrize("gone", [r for r in feature_routers() if r.tags != ["auth"]], ids=tag_of)
def test_a_feature_that_goes_takes_its_share_along_and_nothing_else(gone: APIRouter) -> None:
    whole = pieces.shares(pieces.application())

    others = [router for router in feature_routers() if router is not gone]
    rest = pieces.shares(pieces.application(others))

    first: Any = gone.routes[0]
    while not isinstance(first, APIRoute):  # of a router that is made of several
        first = first.original_router.routes[0]
    share = pieces.share_of(first)
    assert rest == {file: content for file, content in whole.items() if file != share}


def test_writing_leaves_no_share_of_what_is_gone(tmp_path: Path) -> None:
    old = tmp_path / "features" / "gone" / "tests" / "openapi.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({"paths": {}, "schemas": {}}))
    parts = pieces.shares(pieces.application())

    pieces.write(parts, tmp_path)

    assert recorded.recorded(tmp_path) == parts
    assert not old.exists()
