"""Rotation: one successor for ten seconds, and the end of the session for a later replay."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import func, update
from sqlmodel import col

from features.auth.crud import purge_sessions
from features.auth.models import Session, TokenBlacklist
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import client_of

INVALID = (401, "Invalid refresh token.")
GRACE = timedelta(seconds=10)


def cookie(client: httpx2.AsyncClient) -> str:
    return client.cookies["refresh_token"]


async def refresh(app: Application, token: str) -> httpx2.Response:
    """Refresh with this very token, as another tab or a thief would."""
    async with client_of(app) as tab:
        header = f"refresh_token={token}".encode()
        answer: httpx2.Response = await tab.post("/api/v1/refresh", headers={b"Cookie": header})
        return answer


async def let_pass(resources: Resources, moment: timedelta) -> None:
    """Move all rotations that far into the past."""
    async with resources.unit() as db:
        used_at = col(TokenBlacklist.used_at) - moment
        await db.execute(update(TokenBlacklist).values(used_at=used_at))


async def test_without_a_cookie_there_is_nothing_to_refresh(client: httpx2.AsyncClient) -> None:
    for headers in ({}, {"Cookie": "refresh_token="}):
        answer = await client.post("/api/v1/refresh", headers=headers)

        assert refusal(answer) == (401, "Refresh token missing.")


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "..", "a" * 4000])
async def test_what_is_no_token_is_refused(app: Application, token: str) -> None:
    answer = await refresh(app, token)

    assert refusal(answer) == INVALID


async def test_a_refresh_rotates_the_cookie_and_gives_a_new_access_token(user: Person) -> None:
    old_cookie, old_token = cookie(user), user.token

    answer = await user.refresh()

    assert answer.status_code == 200
    assert cookie(user) != old_cookie
    assert user.token != old_token
    assert "Max-Age=604800" in answer.headers["set-cookie"]
    assert (await user.get("/api/v1/user/me/")).status_code == 200


async def test_fifty_refreshes_at_once_get_one_successor(app: Application, user: Person) -> None:
    token = cookie(user)

    answers = await asyncio.gather(*[refresh(app, token) for _ in range(50)])

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.cookies["refresh_token"] for answer in answers}) == 1
    successor = await refresh(app, answers[0].cookies["refresh_token"])
    assert successor.status_code == 200


async def test_two_tabs_stay_logged_in(
    app: Application, user: Person, resources: Resources
) -> None:
    first = cookie(user)
    second = (await refresh(app, first)).cookies["refresh_token"]
    third = (await refresh(app, second)).cookies["refresh_token"]

    late = await refresh(app, first)

    # The slower tab is a step behind, and catches up.
    assert late.cookies["refresh_token"] == second
    assert (await refresh(app, second)).cookies["refresh_token"] == third


async def test_a_replay_within_the_grace_is_no_theft(
    app: Application, user: Person, resources: Resources
) -> None:
    token = cookie(user)
    successor = (await refresh(app, token)).cookies["refresh_token"]
    await let_pass(resources, GRACE - timedelta(seconds=2))

    answer = await refresh(app, token)

    assert answer.cookies["refresh_token"] == successor


async def test_a_replay_after_the_grace_ends_the_session(
    app: Application, user: Person, resources: Resources
) -> None:
    stolen = cookie(user)
    await user.refresh()
    await let_pass(resources, GRACE)

    answer = await refresh(app, stolen)

    assert refusal(answer) == INVALID
    assert (await user.get("/api/v1/user/me/")).status_code == 401
    assert (await user.refresh()).status_code == 401


async def test_a_replay_ends_no_other_session(
    app: Application, user: Person, resources: Resources
) -> None:
    stolen = cookie(user)
    await user.refresh()
    await user.login()
    await let_pass(resources, GRACE)

    await refresh(app, stolen)

    assert (await user.get("/api/v1/user/me/")).status_code == 200


async def test_the_evidence_of_reuse_outlives_the_clean_up(
    app: Application, user: Person, resources: Resources
) -> None:
    stolen = cookie(user)
    await user.refresh()
    await let_pass(resources, timedelta(days=6))
    async with resources.unit() as db:
        assert await purge_sessions(db) == 0

    answer = await refresh(app, stolen)

    assert refusal(answer) == INVALID
    assert (await user.refresh()).status_code == 401


async def test_the_clean_up_removes_what_has_expired(
    user: Person, other: Person, resources: Resources
) -> None:
    await user.refresh()
    async with resources.unit() as db:
        past = func.now() - timedelta(seconds=1)
        await db.execute(update(TokenBlacklist).values(expires_at=past))
        await db.execute(
            update(Session).where(col(Session.user_id) == user.id).values(expires_at=past)
        )

    async with resources.unit() as db:
        removed = await purge_sessions(db)

    assert removed == 1
    assert (await user.refresh()).status_code == 401
    assert (await other.refresh()).status_code == 200


async def test_an_expired_session_is_over(user: Person, resources: Resources) -> None:
    async with resources.unit() as db:
        await db.execute(update(Session).values(expires_at=func.now()))

    assert (await user.refresh()).status_code == 401


async def test_an_access_token_is_no_refresh_token(app: Application, user: Person) -> None:
    assert refusal(await refresh(app, user.token)) == INVALID


async def test_a_refresh_token_is_no_access_token(user: Person) -> None:
    answer = await user.get("/api/v1/user/me/", headers={"Authorization": f"Bearer {cookie(user)}"})

    assert refusal(answer) == (401, "User not authenticated.")
