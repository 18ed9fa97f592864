"""Without a Redis that was opted out of, everything else works and the rest says so."""

from collections.abc import AsyncIterator

import pytest

from infra.checks import ROOT
from kernel import discovery
from kernel.app import Application
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory, client_of
from tests.callers import arranger_of, call, people
from tests.test_access_table import routes_of

CACHE, QUEUE, LIMITS = "REDIS_CACHE_URL", "REDIS_QUEUE_URL", "REDIS_RATE_LIMIT_URL"
OPTIONS = [{CACHE}, {QUEUE}, {LIMITS}, {CACHE, QUEUE, LIMITS}]
QUEUE_OFF = "The job queue is turned off."


@pytest.fixture(params=OPTIONS, ids=lambda names: "+".join(sorted(names)))
def names(request: pytest.FixtureRequest) -> set[str]:
    """The settings that are `off`."""
    off: set[str] = request.param
    return off


@pytest.fixture
async def without(make_app: ApplicationFactory, names: set[str]) -> AsyncIterator[Application]:
    """An application that has opted out of them."""
    async with make_app(**dict.fromkeys(names, "off")) as app:
        yield app


async def test_every_route_answers_as_it_does_with_everything(
    without: Application, names: set[str]
) -> None:
    expected = recorded("superuser")

    answered = {}
    for feature in discovery.offers("router", "router"):
        for method, route in routes_of(without, feature):
            if QUEUE in names and route.path.startswith("/api/v1/tasks/"):
                continue
            async with people(without) as somebody:
                arranged = await arranger_of(feature)(somebody, route.name)
                status = await call(somebody, route, method, arranged, "superuser")
            answered[f"{method} {route.path}"] = status

    assert answered == {name: expected[name] for name in answered}
    assert len(answered) >= len(expected) - 2


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
        made = await ada.post("/api/v1/ada/post", json={"title": "Before", "text": "Text"})
        post = f"/api/v1/ada/post/{made.json()['id']}"
        before = await ada.get(post)

        await ada.patch(post, json={"title": "After"})
        after = await ada.get(post)
        await ada.post("/api/v1/logout")
        logged_out = await ada.get("/api/v1/user/me/")

    assert [before.json()["title"], after.json()["title"]] == ["Before", "After"]
    assert logged_out.status_code == 401


async def test_limits_hold_in_each_process(make_app: ApplicationFactory, names: set[str]) -> None:
    two = {"DEFAULT_RATE_LIMIT_LIMIT": "2", **dict.fromkeys(names, "off")}

    async with make_app(**two) as app, client_of(app) as client:
        answers = [
            await client.post("/api/v1/tasks/task", params={"message": "Hello"}) for _ in range(3)
        ]

    good = 503 if QUEUE in names else 201
    assert [answer.status_code for answer in answers] == [good, good, 429]


async def test_task_routes_say_that_there_is_no_queue(make_app: ApplicationFactory) -> None:
    async with make_app(REDIS_QUEUE_URL="off") as app, client_of(app) as client:
        queueing = await client.post("/api/v1/tasks/task", params={"message": "Hello"})
        reading = await client.get("/api/v1/tasks/task/some-job")

    for answer in (queueing, reading):
        assert refusal(answer) == (503, QUEUE_OFF)


def recorded(caller: str) -> dict[str, int]:
    """What that caller is answered, by route, from the access tables of all features."""
    found = {}
    for file in (ROOT / "features").glob("*/tests/access.txt"):
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        column = lines[0].split().index(caller) + 1  # "METHOD path" are two words
        for line in lines[1:]:
            method, path, *rest = line.split()
            found[f"{method} {path}"] = int([method, path, *rest][column])
    return found
