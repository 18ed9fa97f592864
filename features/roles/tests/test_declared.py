"""Permissions that can be given are those that routes name."""

from fastapi import APIRouter, FastAPI, WebSocket

from features.auth.permissions import Requires
from features.roles.declared import declared_permissions

router = APIRouter()


@router.get("/notes", dependencies=[Requires("notes.read")])
async def read_notes() -> None: ...


@router.put("/notes", dependencies=[Requires("notes.read"), Requires("notes.write")])
async def write_notes() -> None: ...


@router.websocket("/talk", dependencies=[Requires("notes.hear")])
async def talk_of_notes(websocket: WebSocket) -> None: ...


def test_all_that_is_named_is_known_with_its_routes() -> None:
    assert declared_permissions([*FastAPI().routes, *router.routes]) == {
        "notes.read": {"GET /notes": "read_notes", "PUT /notes": "write_notes"},
        "notes.write": {"PUT /notes": "write_notes"},
        "notes.hear": {"WEBSOCKET /talk": "talk_of_notes"},
    }
