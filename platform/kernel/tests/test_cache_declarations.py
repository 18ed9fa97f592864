"""`@cache` that could not work stops the start, and says what to do."""

from collections.abc import Callable
from enum import Enum
from inspect import signature
from types import ModuleType
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, BackgroundTasks, Cookie, Depends, Header, Query, Request, Response
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from kernel.cache.decorator import cache
from kernel.cache.policy import CacheError, Policy
from kernel.context import Principal, principal_of
from kernel.rate_limit.dependency import rate_limiter
from kernel.web.access import Access, access
from kernel.web.router import FeatureRoute
from kernel.web.routes import RouteError, place, refuse_misplaced


@access(Access.USER)
async def known(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


class Kind(Enum):
    """What a book is made of."""

    PAPER = "paper"


Known = Annotated[Principal | None, Depends(known)]


async def plain(request: Request, id: int) -> str:
    return ""


def policy(endpoint: Callable[..., Any], prefix: str = "book", **options: Any) -> Policy:
    declared: Policy = cache(prefix, **options)(endpoint).cache_policy  # type: ignore[attr-defined]
    return declared


def get(path: str, endpoint: Callable[..., Any], prefix: str = "book", **options: Any) -> None:
    route = {
        key: options.pop(key)
        for key in ("status_code", "response_model", "dependencies")
        if key in options
    }
    APIRouter(route_class=FeatureRoute).get(path, **route)(cache(prefix, **options)(endpoint))


def test_the_request_is_found_without_being_asked_for() -> None:
    async def bare(id: int) -> str:
        return ""

    cached = cache("book")(bare)

    [request] = [p for p in signature(cached).parameters.values() if p.annotation is Request]
    assert request.name not in signature(bare).parameters


def test_an_endpoint_must_be_a_coroutine() -> None:
    def sync(request: Request, id: int) -> str:
        return ""

    with pytest.raises(CacheError, match="must be `async def`"):
        cache("book")(sync)  # type: ignore[type-var]


def test_the_id_is_inferred_by_its_type_and_name() -> None:
    async def both(request: Request, username: str, id: int, page: int, owner: UUID) -> str:
        return ""

    async def none(request: Request, page: int) -> str:
        return ""

    async def two(request: Request, id: int, post_id: int) -> str:
        return ""

    assert policy(both).resource_id == "id"
    assert policy(both, resource_id_type=str).resource_id == "username"
    assert policy(both, resource_id_type=UUID).resource_id == "owner"
    assert policy(both, resource_id_type=(UUID, bytes)).resource_id == "owner"
    assert policy(two, resource_id_name="post_id").resource_id == "post_id"
    with pytest.raises(CacheError, match=r"no argument is of type int.*resource_id_name"):
        policy(none)
    with pytest.raises(CacheError, match=r"id or post_id is of type int.*resource_id_name"):
        policy(two)
    with pytest.raises(CacheError, match="names nothing, which is no argument"):
        policy(plain, resource_id_name="nothing")


def test_a_name_is_filled_from_a_dependency_only_where_the_endpoint_has_nothing_of_that_name() -> (
    None
):
    class Page(BaseModel):
        page: int

    async def asked(page: str, shelf: str) -> str:
        return ""

    async def one(query: Annotated[Page, Query()], place: Annotated[str, Depends(asked)]) -> str:
        return ""

    found = policy(one, prefix="{shelf}_books:{page}")

    assert (set(found.borrowed), found.types["page"]) == ({"shelf"}, int)


def test_what_a_body_refers_to_is_no_resource_id() -> None:
    class Note(BaseModel):
        author_id: int

    class Review(Note):
        reviewer_id: int

    async def one(values: Note) -> str:
        return ""

    async def two(username: str, values: Review) -> str:
        return ""

    assert policy(one).template == "book"
    assert policy(two, prefix="{username}_books").template == "{username}_books"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prefix": "{user}_books"}, "names user, which is no argument"),
        ({"to_invalidate_extra": {"{user}_books": "{id}"}}, "names user, which is no argument"),
        ({"to_invalidate_extra": {"books": "{user}"}}, "names user, which is no argument"),
        ({"to_invalidate_extra": {"books:*": "{id}"}}, "may not hold a star"),
        ({"pattern_to_invalidate_extra": ["{user}_books:*"]}, "names user, which is no argument"),
        ({"pattern_to_invalidate_extra": ["books"]}, "not of the form `namespace:"),
        ({"pattern_to_invalidate_extra": ["books*"]}, "not of the form `namespace:"),
        ({"pattern_to_invalidate_extra": ["*:books:*"]}, "not of the form `namespace:"),
        ({"pattern_to_invalidate_extra": [":*"]}, "not of the form `namespace:"),
        ({"expiration": 0}, "more than 0 seconds"),
    ],
)
def test_templates_name_arguments_and_namespaces(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CacheError, match=sentence) as refused:
        policy(plain, **options)

    assert "test_cache_declarations.plain" in str(refused.value)


def test_a_write_forgets_what_its_arguments_fill_in_and_no_value_forges_a_namespace() -> None:
    async def write(request: Request, owner: str, id: int, kind: Kind, done: bool) -> str:
        return ""

    declared = policy(
        write,
        "{owner}_books:{done}",
        to_invalidate_extra={"kind_{kind}": "{id}", "all": 1, "mine_{principal}": "{id}"},
        pattern_to_invalidate_extra=["{owner}_books:*"],
    )

    values = {"owner": "a:b*", "id": 7, "kind": Kind.PAPER, "done": True}
    assert declared.forgotten(values, "5") == [
        "a%3Ab%2A_books:true:7",
        "kind_paper:7",
        "all:1",
        "mine_5:7",
        "a%3Ab%2A_books:*",
    ]


@pytest.mark.parametrize(
    "option", [{"to_invalidate_extra": {"a": 1}}, {"pattern_to_invalidate_extra": ["a:*"]}]
)
def test_a_get_forgets_nothing(option: dict[str, Any]) -> None:
    with pytest.raises(CacheError, match="a GET can't forget anything"):
        get("/book/{id}", plain, **option)


async def by_header(request: Request, id: int, lang: Annotated[str, Header()] = "") -> str:
    return ""


async def by_cookie(request: Request, id: int, theme: Annotated[str, Cookie()] = "") -> str:
    return ""


async def by_nested(request: Request, id: int, x: Annotated[str, Depends(by_header)]) -> str:
    return ""


async def by_caller(request: Request, id: int, who: Known) -> str:
    return ""


async def with_response(request: Request, id: int, response: Response) -> str:
    return ""


async def with_task(request: Request, id: int, tasks: BackgroundTasks) -> str:
    return ""


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (by_caller, r"depends on who asks; put {principal} into key_prefix"),
        (by_header, "depends on lang, and entries don't vary by headers or cookies"),
        (by_cookie, "depends on theme, and entries don't vary"),
        (by_nested, "depends on lang, and entries don't vary"),
        (with_response, "doesn't run the endpoint, so it can't have response"),
        (with_task, "doesn't run the endpoint, so it can't have tasks"),
    ],
)
def test_an_answer_that_depends_on_more_than_its_address_is_not_cached(
    endpoint: Callable[..., Any], sentence: str
) -> None:
    with pytest.raises(CacheError, match=sentence) as refused:
        get("/book/{id}", endpoint)

    assert "/book/{id}" in str(refused.value)


def test_a_route_dependency_that_finds_out_who_asks_counts_too() -> None:
    with pytest.raises(CacheError, match="depends on who asks"):
        get("/book/{id}", plain, dependencies=[Depends(known)])


def test_who_asks_can_be_part_of_the_name_where_it_is_found_out() -> None:
    get("/book/{id}", by_caller, "book_{principal}")

    with pytest.raises(CacheError, match="needs a permission that finds out who asks"):
        get("/book/{id}", plain, "book_{principal}")


def test_the_limiter_does_not_count_as_depending_on_who_asks() -> None:
    get("/book/{id}", plain, dependencies=[Depends(rate_limiter)])


def test_a_name_is_made_of_what_stands_in_the_address() -> None:
    async def found(request: Request) -> int:
        return 7

    async def by_dependency(request: Request, owner_id: Annotated[int, Depends(found)]) -> str:
        return ""

    async def by_alias(request: Request, number: Annotated[int, Query(alias="id")] = 0) -> str:
        return ""

    get("/book", by_alias, resource_id_name="number")
    with pytest.raises(CacheError, match="owner_id stands neither in the path nor in the query"):
        get("/book", by_dependency)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"response_model": None}, "needs a response_model or a return annotation"),
        ({"status_code": 202}, "a hit answers 200, not 202"),
    ],
)
def test_a_hit_is_a_plain_answer(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CacheError, match=sentence):
        get("/book/{id}", plain, **options)


def test_a_decorator_above_the_route_s_comes_too_late_and_says_so() -> None:
    module = ModuleType("features.books.router")
    router = APIRouter()

    async def endpoint(id: int) -> str:
        return ""

    router.get("/book/{id}")(endpoint)
    module.endpoint = cache("book")(endpoint)  # type: ignore[attr-defined]

    with pytest.raises(
        RouteError, match=r"endpoint \(.*\.py:\d+\): @cache must stand below @router"
    ):
        refuse_misplaced(place([router], None), [module])
