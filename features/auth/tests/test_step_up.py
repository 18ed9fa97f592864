"""Step-up: e-mail, deletion and superusers' acts need a password entered a short while ago."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlmodel import col

from features.auth.models import Session
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory, client_of

STEP_UP = "urn:problem-type:step-up-required"
NEW = "an unguessed pass phrase"


async def let_pass(resources: Resources, minutes: float, *, old_rows: bool = False) -> None:
    """Move every login into the past, as one from before there was password_at if wished."""
    by = timedelta(minutes=minutes)
    values = {
        "created_at": col(Session.created_at) - by,
        "password_at": None if old_rows else col(Session.password_at) - by,
    }
    async with resources.unit() as db:
        await db.execute(update(Session).values(**values))


async def step_up(person: Person, password: str = PASSWORD) -> httpx2.Response:
    answer: httpx2.Response = await person.post("/api/v1/step-up", json={"password": password})
    return answer


def needs_step_up(answer: httpx2.Response) -> bool:
    return answer.status_code == 403 and answer.json()["type"] == STEP_UP


def acts(who: Person) -> list[tuple[str, str, Any]]:
    """What needs it, harmless as far as possible; the last ones delete."""
    path = f"/api/v1/user/{who.username}"
    return [
        ("PATCH", path, {"email": "new@example.com"}),
        ("DELETE", path, None),
    ]


def acts_of_superusers(who: Person) -> list[tuple[str, str, Any]]:
    path = f"/api/v1/user/{who.username}"
    return [
        ("PATCH", path, {"password": NEW}),
        ("PATCH", path, {"email": "new@example.com"}),
        ("PATCH", f"{path}/role", {"is_superuser": False}),
        ("DELETE", path, None),
        ("DELETE", f"/api/v1/db_user/{who.username}", None),
    ]


async def test_after_ten_minutes_what_matters_needs_the_password_again(
    user: Person, resources: Resources
) -> None:
    await let_pass(resources, 11)

    refused = [await user.request(*act[:2], json=act[2]) for act in acts(user)]
    confirmed = await step_up(user)
    passed = [await user.request(*act[:2], json=act[2]) for act in acts(user)]

    assert all(map(needs_step_up, refused))
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert confirmed.json() == {"message": "Password confirmed"}
    assert [answer.status_code for answer in passed] == [200, 200]


async def test_superusers_need_it_for_acts_on_accounts(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await let_pass(resources, 11)

    refused = [await superuser.request(*act[:2], json=act[2]) for act in acts_of_superusers(user)]
    assert (await step_up(superuser)).status_code == 200
    passed = [await superuser.request(*act[:2], json=act[2]) for act in acts_of_superusers(user)]

    assert all(map(needs_step_up, refused))
    assert [answer.status_code for answer in passed] == [200] * 5


async def test_who_is_missing_or_forbidden_is_told_before(
    user: Person, other: Person, superuser: Person, resources: Resources
) -> None:
    await let_pass(resources, 11)

    assert (await superuser.delete("/api/v1/user/unknown")).status_code == 404
    assert (await superuser.delete("/api/v1/db_user/unknown")).status_code == 404
    foreign = await user.delete(f"/api/v1/user/{other.username}")
    assert (foreign.status_code, foreign.json()["type"]) == (403, "about:blank")


@pytest.mark.parametrize(
    "values",
    [{"name": "Changed"}, {"username": "renamed"}, {"email": "USER1@example.com"}],
)
async def test_what_matters_less_needs_no_password(
    user: Person, resources: Resources, values: dict[str, str]
) -> None:
    await let_pass(resources, 11)

    answer = await user.patch(f"/api/v1/user/{user.username}", json=values)

    assert answer.status_code == 200


async def test_a_right_current_password_counts(user: Person, resources: Resources) -> None:
    await let_pass(resources, 11)
    path = f"/api/v1/user/{user.username}"

    wrong = await user.patch(path, json={"email": "a@example.com", "current_password": "wrong"})
    right = await user.patch(path, json={"email": "a@example.com", "current_password": PASSWORD})

    assert refusal(wrong) == (422, "Wrong current password.")
    assert right.status_code == 200
    assert (await user.delete(path)).status_code == 200


async def test_the_current_password_of_a_change_of_it_counts_too(
    user: Person, resources: Resources
) -> None:
    await let_pass(resources, 11)
    path = f"/api/v1/user/{user.username}"

    changed = await user.patch(path, json={"password": NEW, "current_password": PASSWORD})

    assert changed.status_code == 200
    assert (await user.delete(path)).status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (11, 403)])
async def test_old_sessions_count_from_their_login(
    user: Person, resources: Resources, minutes: int, status: int
) -> None:
    await let_pass(resources, minutes, old_rows=True)

    assert (await user.delete(f"/api/v1/user/{user.username}")).status_code == status


async def test_a_refresh_carries_it_over_and_is_none_itself(
    user: Person, resources: Resources
) -> None:
    await user.refresh()
    await let_pass(resources, 11)
    await user.refresh()
    path = f"/api/v1/user/{user.username}"

    assert needs_step_up(await user.delete(path))
    await step_up(user)
    await user.refresh()
    assert (await user.delete(path)).status_code == 200


async def test_it_holds_for_one_session_only(
    app: Application, user: Person, resources: Resources
) -> None:
    async with client_of(app, Person) as thief:
        await thief.login(user.username, PASSWORD)
        await let_pass(resources, 11)
        await step_up(user)

        assert needs_step_up(await thief.delete(f"/api/v1/user/{user.username}"))


async def test_zero_minutes_turn_it_off(
    user: Person, resources: Resources, make_app: ApplicationFactory
) -> None:
    await let_pass(resources, 60 * 24)
    async with make_app(STEP_UP_MINUTES="0") as app, client_of(app, Person) as browser:
        browser.headers["Authorization"] = f"Bearer {user.token}"

        answer = await browser.delete(f"/api/v1/user/{user.username}")

    assert answer.status_code == 200


async def test_wrong_passwords_are_refused_and_limited(
    user: Person, client: httpx2.AsyncClient
) -> None:
    answers = [await step_up(user, "wrong") for _ in range(11)]

    assert [refusal(answer) for answer in answers[:10]] == [(422, "Wrong current password.")] * 10
    assert answers[10].status_code == 429
    anonymous = await client.post("/api/v1/step-up", json={"password": PASSWORD})
    assert refusal(anonymous) == (401, "Not authenticated")


async def test_new_emails_spend_the_budget_of_registrations_whether_they_succeed_or_not(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(REGISTRATION_LIMIT="6") as app, client_of(app, Person) as prober:
        prober.app = app
        async with client_of(app, Person) as other:
            await other.register("taken1")
        await prober.register("prober1")
        await prober.login()
        path = f"/api/v1/user/{prober.username}"
        probes = [
            await prober.patch(path, json={"username": "taken1", "email": f"{name}@example.com"})
            for name in ("taken1", "free1", "taken1", "free2", "taken1")
        ]
        named = await prober.patch(path, json={"name": "Another"})

    assert [answer.status_code for answer in probes] == [422] * 4 + [429]
    assert refusal(probes[0]) == (422, "Email is already registered")
    assert named.status_code == 200
