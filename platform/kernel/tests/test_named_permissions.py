"""Permissions that routes name: who gives them, how often that is asked, what is told of them."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, WebSocket

from features.auth.permissions import Requires, SuperUser
from features.auth.principals import KnownUser
from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.schemas import Message
from kernel.web import PRIVILEGES, Access
from tests.accounts import refusal
from tests.application import client_of, route_of
from tests.conformance.comparison import answer, talk

router = APIRouter()
Reader = Annotated[KnownUser, Requires("notes.read")]
As = Callable[..., list[int]]


@router.get("/notes", response_model=Message)
async def read_notes(caller: Reader) -> Message:
    """Read them."""
    return Message(message=caller.username)


@router.put("/notes", response_model=Message, dependencies=[Requires("notes.write")])
async def write_notes(caller: Reader, again: Reader) -> Message:
    return Message(message=caller.username)


@router.delete("/notes", response_model=Message, dependencies=[Requires("notes.write")])
async def erase_notes(caller: SuperUser) -> Message:
    return Message(message=caller.username)


@router.websocket("/talk")
async def talk_of_notes(
    websocket: WebSocket, caller: Annotated[KnownUser, Requires("notes.hear")]
) -> None:
    await websocket.accept()
    await websocket.send_text(f"welcome {caller.username}")
    await websocket.close()


@pytest.fixture(scope="module")
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    app = create_application(Settings(setting_values), routers=[router])
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def called_as(app: Application, monkeypatch: pytest.MonkeyPatch) -> As:
    """Let each caller be ada, with permissions, or without anything that gives some (None)."""

    def called_as(permissions: set[str] | None = None, is_superuser: bool = False) -> list[int]:
        asked: list[int] = []

        async def identify(_: Any) -> KnownUser:
            return KnownUser(7, 1, "ada", is_superuser, None, b"{}")

        async def permissions_of(_: Any, user_id: int) -> frozenset[str]:
            asked.append(user_id)
            return frozenset(permissions or ())

        providers = app.state.resources.providers
        monkeypatch.setitem(providers, "identify", identify)
        given = None if permissions is None else permissions_of
        monkeypatch.setitem(providers, "permissions_of", given)
        return asked

    return called_as


async def statuses(app: Application) -> list[int]:
    async with client_of(app) as client:
        return [
            (await client.request(method, "/api/v1/notes")).status_code
            for method in ("GET", "PUT", "DELETE")
        ]


async def test_where_no_feature_gives_permissions_superusers_pass_and_no_one_else(
    app: Application, called_as: As
) -> None:
    called_as(None)
    assert await statuses(app) == [403, 403, 403]

    called_as(None, is_superuser=True)
    assert await statuses(app) == [200, 200, 200]


async def test_every_permission_that_a_route_names_is_needed_and_a_stricter_access_too(
    app: Application, called_as: As
) -> None:
    for permissions, expected in (
        (set(), [403, 403, 403]),
        ({"notes.read"}, [200, 403, 403]),
        ({"notes.write"}, [403, 403, 403]),
        ({"notes.read", "notes.write"}, [200, 200, 403]),
    ):
        called_as(permissions)
        assert await statuses(app) == expected


async def test_permissions_are_asked_for_once_per_request_and_of_superusers_never(
    app: Application, called_as: As
) -> None:
    async with client_of(app) as client:
        asked = called_as({"notes.read", "notes.write"})
        await client.put("/api/v1/notes")
        assert asked == [7]

        asked = called_as(set(), is_superuser=True)
        await client.put("/api/v1/notes")
        assert asked == []


async def test_a_refusal_comes_before_the_body(app: Application, called_as: As) -> None:
    called_as(set())
    async with client_of(app) as client:
        answered = await client.put("/api/v1/notes", content="{")

    assert refusal(answered) == (403, PRIVILEGES)


@pytest.mark.parametrize(
    ("permissions", "is_superuser", "passes"),
    [({"notes.hear"}, False, True), (set(), False, False), (set(), True, True)],
)
async def test_a_websocket_refuses_in_the_handshake(
    app: Application, called_as: As, permissions: set[str], is_superuser: bool, passes: bool
) -> None:
    called_as(permissions, is_superuser)

    got = await answer(app, [], talk("/talk"))

    if passes:
        assert [message.get("text") for message in got.messages][1] == "welcome ada"
    else:
        assert (got.status, got.is_problem) == (403, True)


def test_a_superusers_route_stays_one_when_it_names_a_permission(app: Application) -> None:
    accesses = {name: route_of(app, name).access for name in ("read_notes", "erase_notes")}
    assert accesses == {"read_notes": Access.PERMISSION, "erase_notes": Access.SUPER}


def test_the_document_says_what_is_needed(app: Application) -> None:
    operation = app.openapi()["paths"]["/api/v1/notes"]["get"]

    assert operation["description"] == "Read them.\n\nNeeds the permission `notes.read`."
    assert operation["responses"]["403"] == {"$ref": "#/components/responses/Unprivileged"}
    assert {"bearer": []} in operation["security"]
