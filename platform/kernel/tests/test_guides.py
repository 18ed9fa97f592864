"""The examples in the guides run, and do what the guides say."""

import re
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from features.auth.principals import KnownUser
from kernel.app import create_application
from kernel.config.loader import ROOT, Settings
from kernel.rate_limit.limiter import Limiter
from tests.application import client_of


def examples(guide: str) -> dict[str, Any]:
    """What the guide's Python blocks define."""
    names: dict[str, Any] = {"__name__": f"docs.{guide}"}
    for block in re.findall(
        r"(?ms)^```python\n(.*?)^```$", (ROOT / f"docs/{guide}.md").read_text()
    ):
        exec(block, names)  # noqa: S102 - it is ours
    return names


async def test_the_guide_to_caching_caches_and_forgets(
    setting_values: dict[str, str], redis_url: str
) -> None:
    names = examples("caching")
    app = create_application(Settings(setting_values), routers=[names["router"]])
    async with app.router.lifespan_context(app), client_of(app) as client:
        paths = ["/api/v1/ada/album/7", "/api/v1/ada/albums", "/api/v1/ada/albums?page=2"]
        before = [(await client.get(path)).json() for path in paths]
        names["titles"][7] = "changed behind its back"
        kept = [(await client.get(path)).json() for path in paths]

        assert before == kept == ["untitled", [], []]
        answer = await client.patch(f"{paths[0]}?title=Blue")
        assert answer.json() == {"message": "Album updated"}
        assert [(await client.get(path)).json() for path in paths] == ["Blue", ["Blue"], ["Blue"]]


async def test_the_guide_s_list_for_owners_and_superusers_is_never_stale(
    setting_values: dict[str, str], redis_url: str
) -> None:
    names = examples("caching")
    app = create_application(Settings(setting_values), routers=[names["router"]])

    async def identify(connection: HTTPConnection) -> KnownUser:
        number = int(connection.headers["authorization"].removeprefix("Bearer "))
        return KnownUser(number, 1, f"user{number}", number == 1, None, b"")

    app.state.resources.providers["identify"] = identify
    async with app.router.lifespan_context(app), client_of(app) as client:
        owner, superuser = {"Authorization": "Bearer 2"}, {"Authorization": "Bearer 1"}
        path = "/api/v1/invoices"
        assert [(await client.get(path, headers=who)).json() for who in (owner, superuser)] == [
            [],
            [],
        ]

        await client.put("/api/v1/invoice/7", headers=owner)

        assert [(await client.get(path, headers=who)).json() for who in (owner, superuser)] == [
            [7],
            [7],
        ]


async def test_the_guide_to_rate_limits_limits(
    setting_values: dict[str, str], redis_url: str
) -> None:
    names = examples("rate-limits")
    app = create_application(Settings(setting_values), routers=[names["router"]])
    async with app.router.lifespan_context(app), client_of(app) as client:
        answers = [await client.get(f"/api/v1/forecast/city{n}") for n in range(11)]
        limiter: Limiter = app.state.resources.get(Limiter)
        sent = [await names["may_send"](limiter, "ada", "bob") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=10;w=3600'
    assert sent == [True, True, True, False]


@pytest.mark.parametrize("guide", ["caching", "rate-limits"])
def test_a_guide_has_examples(guide: str) -> None:
    assert "router" in examples(guide)
