"""`Depends(rate_limiter)`: whose quota, by which rule, and what the answer says of it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends
from starlette.requests import HTTPConnection
from structlog.testing import CapturingLogger

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.context import Principal
from kernel.db.unit_of_work import UnitOfWork
from kernel.rate_limit import dependency
from kernel.rate_limit.dependency import forget_rules, rate_limiter
from kernel.rate_limit.networks import network_of
from kernel.rate_limit.rules import Rule
from kernel.redis.client import Redis
from kernel.tests.fault_proxy import proxy_to
from kernel.web.router import SessionDep
from tests.application import client_of

router = APIRouter(tags=["limits"], dependencies=[Depends(rate_limiter)])
RULES: dict[int, dict[str, Rule]] = {}
loads: list[int] = []


@router.get("/item/{id}", response_model=str)
async def read_item(id: str) -> str:
    """One quota, whatever the id."""
    return id


@router.post("/item/{id}", response_model=str)
async def write_item(id: int, db: SessionDep) -> str:
    """The same template, so the same quota."""
    return str(id)


@router.get("/odd/a.b(c)+%d [x]", response_model=str)
async def read_odd() -> str:
    """A template of characters that mean something to someone."""
    return "odd"


async def identify(connection: HTTPConnection) -> Principal | None:
    """`Bearer 7:2` is user 7 of tier 2."""
    token = re.fullmatch(r"Bearer (\d+):(\d*)", connection.headers.get("authorization", ""))
    if token is None:
        return None
    tier = int(token[2]) if token[2] else None
    return Principal(int(token[1]), 1, f"user{token[1]}", False, tier)


async def rules_of(db: UnitOfWork, tier_id: int) -> dict[str, Rule]:
    loads.append(tier_id)
    return RULES.get(tier_id, {})


def build(values: dict[str, str]) -> Application:
    app = create_application(
        Settings({**values, "DEFAULT_RATE_LIMIT_LIMIT": "2"}), routers=[router]
    )
    app.state.resources.providers["identify"] = identify
    app.state.resources.providers["rules_of"] = rules_of
    return app


@pytest.fixture
async def app(setting_values: dict[str, str], redis_url: str) -> AsyncIterator[Application]:
    RULES.clear()
    loads.clear()
    dependency._log_default_once.cache_clear()
    app = build(setting_values)
    async with app.router.lifespan_context(app):
        yield app


async def call(
    client: httpx2.AsyncClient, who: str = "", path: str = "item/1", method: str = "GET"
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    return await client.request(method, f"/api/v1/{path}", headers=headers)


async def statuses(client: httpx2.AsyncClient, count: int, *args: str) -> list[int]:
    return [(await call(client, *args)).status_code for _ in range(count)]


async def test_a_quota_is_one_client_s_for_one_template(app: Application) -> None:
    async with client_of(app) as one, client_of(app, address="203.0.113.9") as other:
        assert [(await call(one, path=f"item/{n}")).status_code for n in range(3)] == [
            200,
            200,
            429,
        ]
        assert (await call(one, method="POST")).status_code == 429
        assert (await call(one, method="HEAD")).status_code == 429
        assert await statuses(other, 3) == [200, 200, 429]
        for user in ("7:", "8:"):
            assert await statuses(one, 3, user) == [200, 200, 429]
        assert await statuses(other, 1, "7:") == [429]  # wherever the user comes from


async def test_every_answer_says_what_is_left_and_a_refusal_when_to_come_again(
    client: httpx2.AsyncClient,
) -> None:
    first, second, refused = [await call(client) for _ in range(3)]

    for answer, left in ((first, 1), (second, 0), (refused, 0)):
        assert answer.headers["ratelimit-policy"] == '"default";q=2;w=3600'
        assert re.fullmatch(rf'"default";r={left};t=\d+', answer.headers["ratelimit"])
    assert refused.json()["detail"] == "Rate limit exceeded."
    assert refused.headers["content-type"] == "application/problem+json"
    wait = int(refused.headers["retry-after"])
    assert 3590 <= wait <= 3600
    assert refused.headers["ratelimit"] == f'"default";r=0;t={wait}'


async def test_a_failing_call_counts_and_says_so(client: httpx2.AsyncClient) -> None:
    answer = await call(client, path="item/x", method="POST")

    assert answer.status_code == 422
    assert answer.headers["ratelimit"].startswith('"default";r=1;')


async def test_a_tier_s_rule_goes_before_the_default(client: httpx2.AsyncClient) -> None:
    RULES[5] = {"api_v1_item_{id}": Rule(3, 60)}

    assert await statuses(client, 4, "7:5") == [200, 200, 200, 429]
    answer = await call(client, "9:5")
    assert answer.headers["ratelimit-policy"] == '"default";q=3;w=60'


async def test_a_changed_rule_holds_at_once_and_keeps_what_was_used(
    client: httpx2.AsyncClient, app: Application
) -> None:
    async def change(limit: int) -> None:
        RULES[5] = {"api_v1_item_{id}": Rule(limit, 60)}
        async with app.state.resources.unit() as db:
            forget_rules(db, 5)

    RULES[5] = {"api_v1_item_{id}": Rule(4, 60)}
    assert await statuses(client, 3, "7:5") == [200] * 3

    await change(2)
    assert await statuses(client, 1, "7:5") == [429]
    await change(5)
    assert await statuses(client, 3, "7:5") == [200, 200, 429]
    RULES.clear()
    async with app.state.resources.unit() as db:
        forget_rules(db, 5)
    assert (await call(client, "7:5")).headers["ratelimit-policy"] == '"default";q=2;w=3600'


async def test_a_call_is_one_round_trip_with_the_rule_s_lookup(
    client: httpx2.AsyncClient, app: Application
) -> None:
    RULES[5] = {"api_v1_item_{id}": Rule(100, 60)}
    await call(client, "7:5")
    redis: Redis = app.state.resources.redis("rate_limit")
    await redis.execute("CONFIG", "RESETSTAT")

    assert await statuses(client, 20, "7:5") == [200] * 20

    stats = (await redis.execute("INFO", "commandstats")).decode()
    assert "cmdstat_evalsha:calls=20," in stats
    assert loads == [5]


async def test_rules_of_odd_characters_are_words_of_their_own(client: httpx2.AsyncClient) -> None:
    RULES[5] = {
        "api_v1_.*": Rule(1, 60),
        "api_v1_item_{id} 1 60000000": Rule(1, 60),
        "x\napi_v1_item_{id} 1 1000000\n": Rule(1, 60),
        "%": Rule(1, 60),
        "": Rule(1, 60),
        "api_v1_odd_a.b(c)+%d [x]": Rule(4, 60),
        "api_v1_item_{id}": Rule(3, 60),
    }

    for _ in range(2):
        assert (await call(client, "7:5")).headers["ratelimit-policy"] == '"default";q=3;w=60'
        odd = await call(client, "7:5", "odd/a.b(c)+%25d%20%5Bx%5D")
        assert odd.status_code == 200
        assert odd.headers["ratelimit-policy"] == '"default";q=4;w=60'


async def test_falling_back_to_the_default_is_logged_once_per_tier_and_path(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(dependency, "log", log)
    for _ in range(2):
        for who in ("7:5", "8:5", "9:6", "10:", ""):
            await call(client, who)

    told = [(told.method_name, told.kwargs) for told in log.calls]
    assert told == [("info", {"tier_id": tier, "path": "api_v1_item_{id}"}) for tier in (5, 6)]


async def test_without_redis_the_tier_s_rule_holds_in_the_process(
    setting_values: dict[str, str], redis_url: str
) -> None:
    RULES[5] = {"api_v1_item_{id}": Rule(3, 60)}
    async with proxy_to(redis_url) as proxy:
        app = build({**setting_values, "REDIS_RATE_LIMIT_URL": proxy.url})
        async with app.router.lifespan_context(app), client_of(app) as client:
            await proxy.unplug()

            assert await statuses(client, 4, "7:5") == [200, 200, 200, 429]
            assert await statuses(client, 3) == [200, 200, 429]


async def test_limits_that_are_turned_off_are_kept_in_the_process(
    setting_values: dict[str, str],
) -> None:
    RULES[5] = {"api_v1_item_{id}": Rule(3, 60)}
    app = build({**setting_values, "REDIS_RATE_LIMIT_URL": "off"})
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert await statuses(client, 4, "7:5") == [200, 200, 200, 429]
        assert await statuses(client, 3) == [200, 200, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_an_ipv6_network_shares_a_quota(app: Application) -> None:
    answers: list[Any] = []
    for host in ("1", "2:3", "ffff"):
        async with client_of(app, address=f"2001:db8::{host}") as client:
            answers += await statuses(client, 1)
    async with client_of(app, address="2001:db8:0:1::1") as client:
        answers += await statuses(client, 1)

    assert answers == [200, 200, 429, 200]
