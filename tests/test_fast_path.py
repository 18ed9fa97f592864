"""The product's routes answer the same with FAST_PATH on and off."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from kernel.app import Application
from kernel.fast.dependencies import Plan
from kernel.fast.understood import Unknown
from kernel.web.router import FeatureRoute
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of

# They take a cookie or the response to set one, and cost a password's hash or a token anyway.
LEFT_TO_FASTAPI = {
    *("/api/v1/login", "/api/v1/logout", "/api/v1/logout/all", "/api/v1/refresh"),
    "/api/v1/login/factor",
    "/api/v1/login/passkey",
    "/api/v1/sign-in/{provider}/callback",
    "/api/v1/sign-in/{provider}/link",
    "/api/v1/sign-in/{provider}/step-up",
    "/api/v1/user/me/erasure",
}
# Their second answer is another one: what there was is gone, or is counted anew.
CHANGING = {"/api/v1/user/me/export", "/api/v1/jobs/queues", "/api/v1/session/{id}"}
# What differs from one request to the next.
MOVING = {"x-request-id", "ratelimit", "set-cookie"}
# The id of a job that is made, and of the request in a problem; what is drawn by lot.
DRAWN = re.compile(rb'"(id|created_at|challenge|secret|uri|qr_svg)":"(?:[^"\\]|\\.)+"')
VARIANTS: list[dict[str, Any]] = [
    {},
    {"params": {"page": "x", "items_per_page": "0", "cursor": "", "sort": "nothing", "more": "1"}},
    {"content": b"{", "headers": {"Content-Type": "application/json"}},
    {"json": {"nothing": "of that name"}},
    {"json": []},
    {"content": b"text", "headers": {"Content-Type": "text/plain"}},
]


def plan_of(route: FeatureRoute) -> Plan | None:
    try:
        return Plan(route.dependant, route._embed_body_fields)
    except Unknown:
        return None


@pytest.fixture(scope="module")
async def plain(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    async with make_app(FAST_PATH="off") as app:
        yield app


@pytest.fixture(scope="module")
async def fast(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    async with make_app(FAST_PATH="on") as app:
        yield app


def seen(answer: httpx2.Response) -> tuple[Any, ...]:
    headers = [(name, value) for name, value in answer.headers.items() if name not in MOVING]
    same = [item for item in headers if item[0] != "content-length"]
    return answer.status_code, same, DRAWN.sub(b"", answer.content)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "-".join(variant) or "bare")
@pytest.mark.parametrize("user", ["anonymous", "superuser"])
async def test_each_route_answers_the_same_both_ways(
    plain: Application, fast: Application, superuser: Person, user: str, variant: dict[str, Any]
) -> None:
    headers = {**variant.get("headers", {})}
    if user == "superuser":
        headers["Authorization"] = f"Bearer {superuser.token}"
    differing = []
    async with client_of(plain) as slow_client, client_of(fast) as fast_client:
        for route in plain.state.feature_routes:
            if user == "superuser" and route.path in LEFT_TO_FASTAPI | CHANGING:
                continue  # they end the session
            for value in ("unknown", "1"):
                path = re.sub("{[^}]*}", value, route.path)
                for method in sorted(route.methods):
                    asked = {**variant, "headers": headers}
                    first = await slow_client.request(method, path, **asked)
                    second = await fast_client.request(method, path, **asked)
                    if seen(first) != seen(second):
                        differing.append((method, path, seen(first), seen(second)))

    assert differing == []


def test_the_routes_of_the_bench_have_a_plan_and_those_of_cookies_none(fast: Application) -> None:
    """Any other may do what only FastAPI's solver knows, as a list in the query."""
    cases = pytest.importorskip("infra.bench.cases", reason="the bench was dropped").CASES
    routes = fast.state.feature_routes
    measured = [
        route
        for route in routes
        for case in cases
        if case.method in route.methods and route.path_regex.match(case.path.partition("?")[0])
    ]

    assert len(measured) >= len(cases) - 1  # the bench's own no-op is no feature's
    assert [route.path for route in measured if plan_of(route) is None] == []
    cookies = [route for route in routes if route.path in LEFT_TO_FASTAPI]
    assert [route.path for route in cookies if plan_of(route) is not None] == []
