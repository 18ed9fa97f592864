"""Every route says who may call it, or the application doesn't start."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from features.auth.permissions import CurrentUser, Requires, SelfOr, SuperUser
from kernel.app import feature_routers
from kernel.cache.client_side import public
from kernel.config.loader import Settings
from kernel.resources import Resources
from kernel.schemas.schemas import Message
from kernel.web.access import Access, access
from kernel.web.router import FeatureRoute, SessionDep, calls_of
from kernel.web.routes import RouteError, place, refuse_unclear
from tests.callers import CALLERS, HOLDER
from tests.gates.test_access_table import access_of, shortened, unproved, written


def only_route(router: APIRouter) -> FeatureRoute:
    [route] = place([router], None)
    assert isinstance(route, FeatureRoute)
    return route


def test_a_route_that_says_nothing_stops_the_start() -> None:
    router = APIRouter()

    @router.get("/notes", response_model=Message)
    async def read_notes(db: SessionDep) -> Any: ...

    with pytest.raises(RouteError, match=r"GET /api/v1/notes \(.*\) doesn't say who may call it"):
        refuse_unclear([only_route(router)])


def test_two_templates_that_match_the_same_paths_stop_the_start() -> None:
    router = APIRouter()

    @router.get("/notes/{a}", response_model=Message)
    @access(Access.PUBLIC)
    async def read_note(a: str) -> Any: ...

    router.add_api_route("/notes/{b}", read_note, response_model=Message)

    with pytest.raises(RouteError, match=r"\{b\} \(.*test_access.py:\d+\) matches what .*\{a\}"):
        refuse_unclear(place([router], None))


def test_a_feature_guards_routes_of_others_before_their_own_dependencies() -> None:
    router, resources = APIRouter(), Resources(Settings({}))

    async def guard() -> None: ...

    async def own() -> None: ...

    @router.get("/notes", response_model=Message)
    @router.post("/notes", response_model=Message, dependencies=[Depends(own)])
    @access(Access.PUBLIC)
    async def write_note() -> Any: ...

    def guards(settings: Settings, route: APIRoute) -> list[Any]:
        assert settings is resources.settings
        return [Depends(guard)] if route.methods == {"POST"} else []

    resources.providers["guards"] = guards
    placed = [one for one in place([router], None, resources) if isinstance(one, FeatureRoute)]

    called = {str(one.methods): list(calls_of(one.dependant))[1:] for one in placed}
    assert called == {"{'POST'}": [guard, own], "{'GET'}": []}


def test_a_dependency_a_public_cache_or_a_word_of_its_own_is_enough() -> None:
    router = APIRouter()

    @router.get("/a", response_model=Message)
    async def read_a(caller: CurrentUser) -> Any: ...

    @router.get("/b", response_model=Message)
    @public
    async def read_b() -> Any: ...

    @router.get("/c", response_model=Message)
    @access(Access.PUBLIC)
    async def read_c() -> Any: ...

    routes = place([router], None)
    refuse_unclear(routes)

    assert [route.access for route in routes if isinstance(route, FeatureRoute)] == [
        Access.USER,
        Access.PUBLIC,
        Access.PUBLIC,
    ]


def test_every_feature_says_who_may_call_its_routes() -> None:
    routes = place(feature_routers(), None)

    refuse_unclear(routes)

    assert all(isinstance(route, FeatureRoute) for route in routes)


INVALID_CALL = (
    "finds the call of superuser invalid: give `body` in factories.py, or an "
    "example that works (docs/concepts.md, Schemas). superuser is answered 422 "
    '{"detail": "number: Field required"}'
)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((401, 403, 403, 200, 401, 401), []),
        ((200, 403, 403, 200, 401, 401), ["lets anonymous in: 200"]),
        ((401, 403, 403, 200, 401, 200), ["lets expired in: 200"]),
        ((401, 403, 404, 200, 401, 401), ["lets owner in: 404"]),
        (
            (401, 403, 403, 422, 401, 401),
            [f"refuses every caller: {[401, 403, 403, 422, 401, 401]}", INVALID_CALL],
        ),
        (
            (401, 403, 403, 403, 401, 401),
            [
                f"refuses every caller: {[401, 403, 403, 403, 401, 401]}",
                "refuses superuser: 403",
            ],
        ),
    ],
)
def test_answers_that_belie_a_declared_access_are_listed(
    answers: tuple[int, ...], told: list[str]
) -> None:
    router = APIRouter()

    @router.delete("/notes", response_model=Message)
    async def erase_notes(caller: SuperUser) -> Any: ...

    statuses = dict(zip(CALLERS, answers, strict=True))
    said = dict.fromkeys(CALLERS, '{"detail": "number: Field required"}')

    assert list(unproved(only_route(router), statuses, said)) == told


def test_a_long_answer_is_shown_by_its_beginning() -> None:
    assert shortened("short") == "short"
    assert shortened("x" * 600) == f"{'x' * 500}..."


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((401, 403, 403, 200, 401, 401, 200), []),
        ((401, 403, 403, 200, 401, 401, 404), []),
        ((401, 403, 403, 200, 401, 401, 403), ["refuses who has its permission: 403"]),
        ((401, 403, 200, 200, 401, 401, 200), ["lets owner in: 200"]),
        ((401, 404, 403, 200, 401, 401, 200), ["lets other in: 404"]),
    ],
)
def test_answers_that_belie_a_declared_permission_are_listed(
    answers: tuple[int, ...], told: list[str]
) -> None:
    router = APIRouter()

    @router.delete("/notes", response_model=Message, dependencies=[Requires("notes.erase")])
    async def erase_notes() -> Any: ...

    statuses = dict(zip((*CALLERS, HOLDER), answers, strict=True))

    assert list(unproved(only_route(router), statuses)) == told


def test_the_table_names_permissions_and_has_no_answer_where_a_route_names_none() -> None:
    needed, beside, plain = APIRouter(), APIRouter(), APIRouter()
    both = [Requires("notes.erase"), Requires("notes.read")]

    @needed.delete("/{username}/notes", response_model=Message, dependencies=both)
    @beside.delete("/{username}/notes", response_model=Message, dependencies=[SelfOr("a.b")])
    @plain.delete("/{username}/notes", response_model=Message)
    async def erase_notes(caller: CurrentUser) -> Any: ...

    names = [access_of(only_route(router)) for router in (needed, beside, plain)]
    table = written([(("GET /notes", names[2]), dict.fromkeys(CALLERS, 200))])

    assert names == ["notes.erase and notes.read", "self or a.b", "user"]
    assert table.splitlines()[-1].split()[-1] == "-"
