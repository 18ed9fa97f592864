"""Over every route that there is: a key reaches what its scopes name, and nothing else."""

import re
from typing import Any

import httpx2
import pytest

from features.api_keys.permissions.routes import known_scopes, takes_keys
from features.api_keys.scopes import covers, names_of
from features.api_keys.tests.factories import add_key, program
from kernel.app import Application
from kernel.web import Access
from kernel.web.router import FeatureRoute
from tests.accounts import Person
from tests.gates.features import WITH_ROUTES, routes_of

OUT_OF_SCOPE = "This API key has no scope for this call."
LOG_IN = "Log in for this: it needs a session."
TEMPLATE = "/api/v1/{username}/post/{id}"


@pytest.mark.parametrize(
    ("scope", "method", "covered"),
    [
        ("*", "GET", True),
        ("*", "DELETE", True),
        ("*:read", "GET", True),
        ("*:read", "HEAD", True),
        ("*:read", "DELETE", False),
        ("posts", "DELETE", True),
        ("posts:read", "GET", True),
        ("posts:read", "PATCH", False),
        (f"GET {TEMPLATE}", "GET", True),
        (f"GET {TEMPLATE}", "HEAD", True),
        (f"GET {TEMPLATE}", "PATCH", False),
        (f"PATCH {TEMPLATE}", "GET", False),
        ("GET /api/v1/ada/post/7", "GET", False),
        ("users", "GET", False),
        ("superuser", "GET", False),
        ("POSTS", "GET", False),
        ("", "GET", False),
        ("*:read", "WEBSOCKET", False),
        ("*", "WEBSOCKET", True),
    ],
)
def test_a_scope_names_routes_by_tag_method_and_template(
    scope: str, method: str, covered: bool
) -> None:
    assert covers((scope,), method, TEMPLATE, ("posts",)) is covered


def test_no_scope_is_no_route_and_a_tag_gives_no_rights() -> None:
    assert not covers((), "GET", TEMPLATE, ("posts",))
    assert not covers(("superuser",), "GET", TEMPLATE, ("superuser",))


def closed(app: Application, feature: str) -> list[tuple[str, FeatureRoute]]:
    """The feature's routes that ask who is calling."""
    routes = routes_of(app, feature)
    return [(method, route) for method, route in routes if route.access is not Access.PUBLIC]


def only_of(method: str, route: FeatureRoute) -> str:
    return f"{method} {route.path}"


@pytest.mark.parametrize("feature", WITH_ROUTES)
def test_the_scope_of_one_route_covers_no_other(app: Application, feature: str) -> None:
    for method, route in closed(app, feature):
        scopes = (only_of(method, route),)
        covered = [
            only_of(other_method, other)
            for name in WITH_ROUTES
            for other_method, other in closed(app, name)
            if covers(scopes, other_method, other.path, tuple(map(str, other.tags)))
        ]
        assert covered == list(scopes)


def detail_of(answer: httpx2.Response) -> Any:
    return answer.json()["detail"] if answer.is_error else None


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_a_key_passes_by_the_scope_of_a_route_and_by_no_other_one(
    app: Application, superuser: Person, feature: str
) -> None:
    routes = closed(app, feature)
    everything = known_scopes(app.state.feature_routes)

    for method, route in routes:
        path = re.sub(r"{\w+}", "1", route.path)
        names = names_of(method, route.path, map(str, route.tags))
        _, other = await add_key(app, superuser.id, *sorted(everything - names))
        _, own = await add_key(app, superuser.id, only_of(method, route), "superuser")
        async with program(app, other) as client:
            # What can't be read as JSON isn't read.
            refused = await client.request(method, path, content=b"{")
        async with program(app, own) as client:
            passed = await client.request(method, path)

        where = only_of(method, route)
        if takes_keys(route):
            assert (refused.status_code, detail_of(refused)) == (403, OUT_OF_SCOPE), where
            assert detail_of(passed) not in (OUT_OF_SCOPE, LOG_IN), where
            assert passed.status_code != 401, where
        else:
            for answer in (refused, passed):
                assert (answer.status_code, detail_of(answer)) == (403, LOG_IN), where
            assert where not in everything


async def test_what_is_open_to_all_is_open_to_any_key(app: Application, user: Person) -> None:
    _, key = await add_key(app, user.id, "GET /api/v1/user/me/")

    async with program(app, key) as client:
        open_to_all = await client.post("/api/v1/refresh")  # it asks for a cookie
        for_some_more = await client.get("/api/v1/users")

    assert open_to_all.status_code == 401
    assert (for_some_more.status_code, detail_of(for_some_more)) == (403, OUT_OF_SCOPE)
