"""A feature may make an account later, or let a new address wait, by handlers of events."""

import pytest

from features.users.events import EmailChanging, Registering
from features.users.models import UserRead
from kernel import events
from kernel.db.unit_of_work import UnitOfWork
from tests.accounts import PASSWORD, Person

EVE = {"name": "Eve", "username": "eve", "email": "eve@example.com", "password": PASSWORD}
LATER = UserRead(id=7, name="Eve", username="eve", email=None, profile_image_url=None, tier_id=None)


async def test_an_account_that_is_made_later_is_answered_for_and_is_not_there_yet(
    user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def later(event: Registering, unit: UnitOfWork) -> None:
        assert event.user.hashed_password is not None
        assert event.user.hashed_password.startswith("$2b$")
        event.answer = LATER

    monkeypatch.setitem(events.registry(), Registering, [later])

    answer = await user.post("/api/v1/user", json=EVE)
    reserved = {**EVE, "username": "me", "email": user.email}
    refused = await user.post("/api/v1/user", json=reserved)

    assert (answer.status_code, answer.json()["id"]) == (201, 7)
    assert (await user.get("/api/v1/user/eve")).status_code == 404
    assert refused.json()["detail"] == "Username not available"


async def test_a_new_address_that_waits_leaves_the_old_one_and_changes_the_rest(
    user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[EmailChanging] = []

    async def wait(event: EmailChanging, unit: UnitOfWork) -> None:
        seen.append(event)
        event.waits = True

    monkeypatch.setitem(events.registry(), EmailChanging, [wait])
    path = f"/api/v1/user/{user.username}"

    same = await user.patch(path, json={"email": user.email.upper()})
    answer = await user.patch(path, json={"email": "new@example.com", "name": "Another"})

    shown = (await user.get("/api/v1/user/me")).json()
    assert [(one.user_id, one.new, one.own) for one in seen] == [(user.id, "new@example.com", True)]
    assert same.json()["message"] == "User updated"
    assert "waits for its confirmation" in answer.json()["message"]
    assert (shown["email"].lower(), shown["name"]) == (user.email, "Another")


async def test_a_superusers_change_of_anothers_address_says_so(
    user: Person, superuser: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[EmailChanging] = []

    async def look(event: EmailChanging, unit: UnitOfWork) -> None:
        seen.append(event)

    monkeypatch.setitem(events.registry(), EmailChanging, [look])

    await superuser.patch(f"/api/v1/user/{user.username}", json={"email": "new@example.com"})

    assert [(one.old, one.own) for one in seen] == [(user.email, False)]
    assert (await user.get("/api/v1/user/me")).json()["email"] == "new@example.com"
