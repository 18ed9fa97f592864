"""Features are told of each login, and may refuse it."""

import pytest

from features.auth.events import SessionOpened
from kernel import events
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import ForbiddenException
from tests.accounts import Person, refusal

FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


async def test_a_login_is_told_with_its_device_and_whether_it_is_known(
    user: Person, other: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[SessionOpened] = []

    async def look(event: SessionOpened, unit: UnitOfWork) -> None:
        seen.append(event)

    monkeypatch.setitem(events.registry(), SessionOpened, [look])
    user.headers.update(FIREFOX)

    await user.login()
    user.cookies.clear()
    del user.headers["Authorization"]
    await user.login()
    await user.login(name=other.username, password=other.password)

    assert [(one.user_id, one.known_device) for one in seen] == [
        (user.id, True),
        (user.id, False),
        (other.id, False),
    ]
    assert {(one.device, one.address) for one in seen} == {("Firefox on Linux", "127.0.0.1")}


async def test_a_handler_that_raises_undoes_the_login(
    user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(event: SessionOpened, unit: UnitOfWork) -> None:
        raise ForbiddenException("Not now.")

    monkeypatch.setitem(events.registry(), SessionOpened, [refuse])

    answer = await user.login()

    sessions = (await user.get("/api/v1/sessions")).json()["data"]
    assert refusal(answer) == (403, "Not now.")
    assert "set-cookie" not in answer.headers
    assert len(sessions) == 1
