"""Without a Redis that was opted out of, everything else works and the rest says so."""

from collections.abc import AsyncIterator

import pytest

from infra.checks import ROOT
from kernel import discovery
from kernel.app import Application
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of
from tests.callers import arranger_of, call, people
from tests.gates.features import routes_of

CACHE, QUEUE, LIMITS = "REDIS_CACHE_URL", "REDIS_QUEUE_URL", "REDIS_RATE_LIMIT_URL"
OF_THE_QUEUE = "/api/v1/tasks/", "/api/v1/jobs/workers"
OPTIONS = [{CACHE}, {QUEUE}, {LIMITS}, {CACHE, QUEUE, LIMITS}]


@pytest.fixture(scope="module", params=OPTIONS, ids=lambda names: "+".join(sorted(names)))
def names(request: pytest.FixtureRequest) -> set[str]:
    """The settings that are `off`."""
    off: set[str] = request.param
    return off


@pytest.fixture(scope="module")
async def without(make_app: ApplicationFactory, names: set[str]) -> AsyncIterator[Application]:
    """An application that has opted out of them."""
    async with make_app(**dict.fromkeys(names, "off")) as app:
        yield app


async def test_every_route_answers_as_it_does_with_everything(
    without: Application, names: set[str]
) -> None:
    expected = recorded("superuser")

    answered, unknown = {}, set()
    for feature in discovery.offers("router", "router"):
        for method, route in routes_of(without, feature):
            if QUEUE in names and route.path.startswith(OF_THE_QUEUE):
                continue
            async with people(without) as accounts:
                given = await arranger_of(feature)(accounts, route.name)
                answer = await call(accounts, route, method, given, "superuser")
            answered[f"{method} {route.path}"] = answer.status_code
            if f"{method} {route.path}" not in expected:
                unknown.add(feature)

    assert not unknown, f"access.txt lacks routes: hatch run access {' '.join(sorted(unknown))}"
    assert answered == {name: expected[name] for name in answered}
    assert len(answered) >= len(expected) - 3


async def test_readiness_takes_it_for_what_was_wanted(
    without: Application, names: set[str]
) -> None:
    async with client_of(without) as client:
        answer = await client.get("/health/ready")

    checks = answer.json()["checks"]
    assert answer.json()["status"] == "ready"
    assert [checks[name.lower().removesuffix("_url")] for name in sorted(names)] == ["off"] * len(
        names
    )


async def test_what_was_changed_is_seen_at_once(without: Application) -> None:
    async with client_of(without, Person) as ada:
        await ada.register("ada")
        await ada.login()
        before = await ada.get("/api/v1/user/ada")

        await ada.patch("/api/v1/user/ada", json={"name": "Countess"})
        after = await ada.get("/api/v1/user/ada")
        await ada.post("/api/v1/logout")
        logged_out = await ada.get("/api/v1/user/me/")

    assert [before.json()["name"], after.json()["name"]] == ["Ada", "Countess"]
    assert logged_out.status_code == 401


def recorded(caller: str) -> dict[str, int]:
    """What that caller is answered, by route, from the access tables of all features."""
    found = {}
    for file in (ROOT / "features").glob("*/tests/access.txt"):
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        names = lines[0].split()
        column = names.index(caller) - len(names)  # from the right: an access may be several words
        for line in lines[1:]:
            method, path, *rest = line.split()
            found[f"{method} {path}"] = int(rest[column])
    return found
