"""Calling by a key: who speaks, and that a change holds at once, everywhere."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from features.api_keys.models import ApiKey
from features.api_keys.tests.factories import add_key, make_key, program
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import SECRET_KEY, ApplicationFactory
from tests.costs import Costs
from tests.served import serving

ME = "/api/v1/user/me/"
NOT_VALID = (401, "This API key is not valid.")
REVOKED = (401, "This API key has been revoked.")


async def me(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    return await client.get(
        ME, headers={name.replace("_", "-"): it for name, it in headers.items()}
    )


async def test_a_key_speaks_for_its_user_by_either_header(
    client: httpx2.AsyncClient, user: Person
) -> None:
    key = (await make_key(user))["key"]

    answers = [
        await me(client, X_API_Key=key),
        await me(client, Authorization=f"Bearer {key}"),
        await me(client, Authorization=f"Bearer {key}", X_API_Key=key),
        await me(client, Authorization="Basic cHJveHk6cGFzc3dvcmQ=", X_API_Key=key),
    ]

    own = (await user.get(ME)).content
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, own)] * 4
    assert answers[0].headers["cache-control"] == "private, no-store"


async def test_a_revoked_key_is_dead_at_once_in_another_process(
    app: Application, user: Person, setting_values: dict[str, str], tmp_path: Path
) -> None:
    first, second, third = [await make_key(user) for _ in range(3)]
    with serving(tmp_path, setting_values, "kernel.main:app") as other:
        elsewhere = other.connect()

        def ask(key: dict[str, Any]) -> tuple[int, str | None]:
            elsewhere.request("GET", ME, headers={"X-API-Key": key["key"]})
            answer = elsewhere.getresponse()
            return answer.status, json.load(answer).get("detail")

        for key in (first, second, third):
            assert await asyncio.to_thread(ask, key) == (200, None)
            async with program(app, key["key"]) as here:
                assert (await here.get(ME)).status_code == 200

        await user.delete(f"/api/v1/api_key/{first['id']}")
        assert await asyncio.to_thread(ask, first) == REVOKED
        assert await asyncio.to_thread(ask, second) == (200, None)

        # And the other way round.
        headers = {"Authorization": f"Bearer {user.token}"}
        elsewhere.request("DELETE", "/api/v1/api_keys", headers=headers)
        assert elsewhere.getresponse().read() == b'{"message":"API keys revoked"}'
        for key in (second, third):
            async with program(app, key["key"]) as here:
                assert refusal(await here.get(ME)) == REVOKED


async def test_a_key_that_is_revoked_while_it_is_used_is_never_good_afterwards(
    app: Application, user: Person
) -> None:
    made = await make_key(user)
    revoked = False
    wrong: list[int] = []

    async def use() -> None:
        async with program(app, made["key"]) as client:
            for _ in range(30):
                begun_after = revoked
                answer = await client.get(ME)
                if begun_after and answer.is_success:
                    wrong.append(answer.status_code)

    async def revoke() -> None:
        nonlocal revoked
        await asyncio.sleep(0.02)
        await user.delete(f"/api/v1/api_key/{made['id']}")
        revoked = True

    await asyncio.gather(*[use() for _ in range(5)], revoke())

    assert revoked
    assert wrong == []


async def test_narrowed_scopes_and_a_new_name_hold_at_once_in_another_process(
    make_app: ApplicationFactory, user: Person
) -> None:
    made = await make_key(user, "*")
    path = f"/api/v1/api_key/{made['id']}"
    async with make_app() as other, program(other, made["key"]) as client:
        assert (await client.get(ME)).status_code == 200

        await user.patch(path, json={"scopes": ["GET /api/v1/users"], "limit": None})
        refused = await client.get(ME)
        await user.patch(path, json={"scopes": ["users:read"]})
        await user.patch(f"/api/v1/user/{user.username}", json={"username": "renamed"})

        assert refusal(refused) == (403, "This API key has no scope for this call.")
        assert (await client.get(ME)).json()["username"] == "renamed"


@pytest.mark.parametrize("path", ["/api/v1/user/{}", "/api/v1/db_user/{}"])
async def test_a_key_goes_with_its_user(
    app: Application, user: Person, superuser: Person, path: str
) -> None:
    key = (await make_key(user))["key"]
    async with program(app, key) as client:
        assert (await client.get(ME)).status_code == 200

        answer = await superuser.delete(path.format(user.username))

        assert answer.status_code == 200
        assert refusal(await client.get(ME)) == NOT_VALID


async def test_a_key_survives_a_new_password_and_a_logout(app: Application, user: Person) -> None:
    key = (await make_key(user))["key"]
    change = {"password": "another long one", "current_password": user.password}
    async with program(app, key) as client:
        await user.patch(f"/api/v1/user/{user.username}", json=change)
        await user.post("/api/v1/logout/all")

        assert (await client.get(ME)).status_code == 200


async def test_a_superusers_key_is_a_superusers_only_if_it_says_so_and_as_long_as_the_user_is_one(
    app: Application, user: Person, superuser: Person
) -> None:
    path, email = f"/api/v1/user/{user.username}", user.email
    plain = (await make_key(superuser, "*"))["key"]
    full = await make_key(superuser, "*", "superuser")

    async with program(app, plain) as client:
        assert (await client.get("/api/v1/emails/suppressions")).status_code == 403
        assert (await client.patch(path, json={"name": "New name"})).status_code == 403
        assert (await client.get(path)).json()["email"] is None
    async with program(app, full["key"]) as client:
        assert (await client.patch(path, json={"name": "New name"})).status_code == 200
        assert (await client.get(path)).json()["email"] == email

        role = f"/api/v1/user/{superuser.username}/role"
        await superuser.patch(path + "/role", json={"is_superuser": True})
        await superuser.patch(role, json={"is_superuser": False})

        assert (await client.patch(path, json={"name": "Newer name"})).status_code == 403


async def test_a_key_that_is_used_while_its_secret_key_is_an_earlier_one_outlives_it(
    make_app: ApplicationFactory, user: Person
) -> None:
    key, unused = [(await make_key(user))["key"] for _ in range(2)]
    new = "a" * 31 + "0123456789abcdef0123456789abcdef"

    both = {"SECRET_KEY": new, "SECRET_KEYS_OLD": SECRET_KEY}
    async with make_app(**both) as app, program(app, key) as client:
        assert (await client.get(ME)).status_code == 200
    async with make_app(SECRET_KEY=new) as app:
        async with program(app, key) as client:
            assert (await client.get(ME)).status_code == 200
        async with program(app, unused) as client:
            assert refusal(await client.get(ME)) == NOT_VALID


async def test_an_emptied_redis_revives_no_key(
    app: Application, user: Person, resources: Resources
) -> None:
    made = await make_key(user)
    async with program(app, made["key"]) as client:
        await user.delete(f"/api/v1/api_key/{made['id']}")
        await client.get(ME)
        redis = resources.redis("cache")
        assert redis is not None

        await redis.execute("FLUSHDB")

        assert refusal(await client.get(ME)) == REVOKED


async def test_a_key_of_another_users_prefix_finds_nothing(
    app: Application, user: Person, other: Person, resources: Resources
) -> None:
    """A row whose prefix says another user than its owner is no way to another account."""
    _, key = await add_key(app, user.id, "*")
    async with resources.unit() as db:
        await db.execute(update(ApiKey).values(user_id=other.id))

    async with program(app, key) as client:
        assert refusal(await client.get(ME)) == NOT_VALID


async def test_a_known_key_costs_what_a_token_costs(
    app: Application, user: Person, costs: Costs
) -> None:
    key = (await make_key(user))["key"]

    async with program(app, key) as client:
        by_key = await costs.of(lambda: client.get(ME))
    by_token = await costs.of(lambda: user.get(ME))

    assert by_key == by_token == (0, 1)
