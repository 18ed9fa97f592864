"""Budgets of keys, and answers that are kept: each key has its own, and no other caller's."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, Request

from features.api_keys.tests.factories import add_key, make_key, program
from features.auth.permissions import CurrentUser, OptionalUser
from kernel.app import Application, create_application
from kernel.cache import cache
from kernel.config import Settings
from kernel.rate_limit import rate_limiter
from tests.accounts import Person
from tests.application import ApplicationFactory, running

ME = "/api/v1/user/me/"
router = APIRouter(prefix="/probe", tags=["probe"])


@router.get("/limited", dependencies=[Depends(rate_limiter)])
async def read_limited(caller: CurrentUser) -> None: ...


@router.get("/kept/{id}")
@cache("kept_{principal}", resource_id_name="id")
async def read_kept(id: int, request: Request, caller: CurrentUser) -> dict[str, Any]:
    return {"super": caller.is_superuser, "key": caller.credential}


@router.get("/optional/{id}")
@cache("optional_{principal}", resource_id_name="id")
async def read_optional(id: int, request: Request, caller: OptionalUser) -> dict[str, Any]:
    return {"super": caller is not None and caller.is_superuser}


async def test_each_key_has_its_own_budget_beside_its_users(
    setting_values: dict[str, str], user: Person
) -> None:
    values = {**setting_values, "DEFAULT_RATE_LIMIT_LIMIT": "2"}
    keys = [(await add_key(user.app, user.id, "*"))[1] for _ in range(2)]
    async with running(values, router) as app:
        for key in keys:
            async with program(app, key) as client:
                statuses = [(await client.get("/api/v1/probe/limited")).status_code for _ in "123"]
                assert statuses == [200, 200, 429]
        async with program(app, "") as client:
            del client.headers["X-API-Key"]
            client.headers["Authorization"] = user.headers["Authorization"]
            assert (await client.get("/api/v1/probe/limited")).status_code == 200


async def test_a_key_with_a_limit_makes_so_many_calls_of_all_routes(
    app: Application, user: Person
) -> None:
    made = await make_key(user, "*", limit=3, period=60)
    free = await make_key(user, "*")
    async with program(app, made["key"]) as client:
        answers = [await client.get(path) for path in (ME, "/api/v1/users")]
        # It asks for no caller, but for a cookie.
        asks_for_none = await client.post("/api/v1/refresh")
        answers += [await client.get(ME) for _ in "12"]

        assert asks_for_none.status_code == 401
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert answers[0].headers["ratelimit"].startswith('"key";r=2;t=')
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert answers[-1].json()["detail"] == "Rate limit exceeded."
        await user.patch(f"/api/v1/api_key/{made['id']}", json={"limit": 4})
        assert [(await client.get(ME)).status_code for _ in "12"] == [200, 429]
    async with program(app, free["key"]) as client:
        assert (await client.get(ME)).status_code == 200
    assert (await user.get(ME)).status_code == 200


async def test_writes_count_for_the_account_whatever_they_are_made_by(
    make_app: ApplicationFactory, user: Person
) -> None:
    path = f"/api/v1/user/{user.username}"
    keys = [(await add_key(user.app, user.id, "*"))[1] for _ in range(2)]
    async with make_app(WRITE_LIMIT="2") as app:
        statuses = []
        for key in (*keys, keys[0]):
            async with program(app, key) as client:
                answer = await client.patch(path, json={"name": "New name"})
                statuses.append(answer.status_code)

    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("path", ["/api/v1/probe/kept/1", "/api/v1/probe/optional/1"])
async def test_an_answer_kept_for_one_credential_is_no_others(
    setting_values: dict[str, str], superuser: Person, other: Person, path: str
) -> None:
    plain, full, foreign = [
        (await add_key(superuser.app, user_id, *scopes))[1]
        for user_id, scopes in [
            (superuser.id, ["*"]),
            (superuser.id, ["*", "superuser"]),
            (other.id, ["*"]),
        ]
    ]
    async with running(setting_values, router) as app:
        answers = []
        for _ in range(2):
            for key in (full, plain, foreign):
                async with program(app, key) as client:
                    answers.append((await client.get(path)).json()["super"])

    assert answers == [True, False, False] * 2


async def test_an_answer_kept_for_a_key_goes_with_its_scope(
    setting_values: dict[str, str], user: Person
) -> None:
    made = await make_key(user, "*")
    async with running(setting_values, router) as app, program(app, made["key"]) as client:
        paths = "/api/v1/probe/kept/1", "/api/v1/probe/optional/1"
        assert [(await client.get(path)).status_code for path in paths] == [200, 200]

        await user.patch(f"/api/v1/api_key/{made['id']}", json={"scopes": ["users"]})

        assert [(await client.get(path)).status_code for path in paths] == [403, 403]


def test_the_document_says_which_routes_take_keys_and_what_they_answer() -> None:
    document = create_application(Settings()).openapi()
    paths = document["paths"]

    scheme = document["components"]["securitySchemes"]["apiKey"]
    assert scheme == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    me = paths[ME]["get"]
    assert me["security"] == [{"bearer": []}, {"apiKey": []}]
    assert {"403", "429"} <= set(me["responses"])
    optional = paths["/api/v1/users"]["get"]["security"]
    assert optional == [{}, {"bearer": []}, {"apiKey": []}]
    assert paths["/api/v1/login"]["post"]["security"] == []
    for path, method in [("/api/v1/api_key", "post"), ("/api/v1/step-up", "post")]:
        assert paths[path][method]["security"] == [{"bearer": []}]
