"""Websockets by key: only for keys that reach everything, since a websocket has no tag."""

import pytest
from fastapi import APIRouter, WebSocket

from features.api_keys.tests.factories import add_key
from features.auth.permissions import CurrentUser
from tests.accounts import Person
from tests.application import running
from tests.conformance.comparison import answer, talk

router = APIRouter(prefix="/probe")


@router.websocket("/socket")
async def greet(websocket: WebSocket, caller: CurrentUser) -> None:
    await websocket.accept()
    await websocket.send_text(f"welcome {caller.username}")
    await websocket.close()


@pytest.mark.parametrize(("scope", "status"), [("*", None), ("*:read", 403), ("probe", 403)])
async def test_a_websocket_takes_keys_that_reach_everything(
    setting_values: dict[str, str], user: Person, scope: str, status: int | None
) -> None:
    _, key = await add_key(user.app, user.id, scope)
    headers = ((b"host", b"test"), (b"x-api-key", key.encode()))
    async with running(setting_values, router) as app:
        got = await answer(app, [], talk("/probe/socket", headers=headers))

    said = [message.get("text", message["type"]) for message in got.messages]
    if status is None:
        assert said[:2] == ["websocket.accept", f"welcome {user.username}"]
    else:
        assert (got.status, got.is_problem) == (status, True)
