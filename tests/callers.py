"""Every kind of caller of a route, and a valid call of it: what the gates are made of."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any, NoReturn

import httpx2
import pytest
from pydantic_core import to_jsonable_python

from features.auth.tokens import Kind, signer
from kernel import discovery
from kernel.app import Application
from kernel.resources import Resources
from kernel.web.router import FeatureRoute, named_permissions
from tests.accounts import Person, permissions_given
from tests.application import client_of

Json = dict[str, Any]
# What features/<name>/tests/factories.py offers as `arrange`: rows for a call of that operation, as
# the values of its path parameters, its `body` where the documented example doesn't do, and its
# `query` and `headers` where the document knows of none.
Arrange = Callable[["People", str], Awaitable[Mapping[str, Any]]]
# What it offers as `add_rows` if the feature has lists: so many rows more that the list of that
# operation shows to the superuser; the values of the list's path parameters. None: it shows no rows
# of tables, but what is declared.
AddRows = Callable[["People", str, int], Awaitable[Mapping[str, Any] | None]]

CALLERS = ("anonymous", "other", "owner", "superuser", "deleted", "expired")
# Who has the permissions that the route names, and nothing else; of routes that name one.
HOLDER = "permission"
# What features/<name>/tests/factories.py offers as `callers`, by their column in the access table:
# more ways in which the owner of what a call is about may call. Their docstrings stand above it.
OwnersCaller = Callable[["People"], Awaitable[httpx2.AsyncClient]]
GUIDE = "see docs/testing.md#gates"
_number = count()


# What is written down of each feature, by the option that does so, and the gate.
RECORDS = {
    "access": ("access tables", "test_access_table"),
    "statements": ("numbers of statements", "test_statements"),
    "openapi": ("shares of the OpenAPI document", "test_openapi"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, (what, _) in RECORDS.items():
        parser.addoption(
            f"--write-{name}", action="store_true", help=f"write the {what} of the features"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is written down goes first, since other tests hold calls to it."""
    written = {gate for name, (_, gate) in RECORDS.items() if config.getoption(f"write_{name}")}
    items.sort(key=lambda item: item.path.stem not in written)


@dataclass
class People:
    """The owner of what a call is about, a superuser, and the way to make others."""

    app: Application
    owner: Person
    superuser: Person
    _stack: AsyncExitStack

    async def caller(self, name: str) -> httpx2.AsyncClient:
        """A client that speaks for the caller of that name."""
        if name == "owner":
            return self.owner
        if name == "superuser":
            return self.superuser
        if name in own_callers():
            return await self._stack.enter_async_context(await own_callers()[name](self))
        if name == "anonymous":
            return await self._stack.enter_async_context(client_of(self.app))
        if name == "expired":
            client: httpx2.AsyncClient = await self._stack.enter_async_context(client_of(self.app))
            client.headers["Authorization"] = f"Bearer {self._expired_token()}"
            return client
        person = await _person(self.app, self._stack, name)
        if name == "deleted":
            answer = await person.delete(f"/api/v1/user/{person.username}")
            assert answer.status_code == 200
        return person

    def afterwards(self, undo: Callable[[], object]) -> None:
        """Undo, once the calls are made, what was changed of the application for them."""
        self._stack.callback(undo)

    async def holder(self, permissions: Collection[str]) -> Person:
        """A new user who has these permissions, and no others."""
        person = await _person(self.app, self._stack, "holder")
        given = self._stack.enter_context(permissions_given(self.app))
        given[person.id] = permissions
        return person

    def _expired_token(self) -> str:
        resources: Resources = self.app.state.resources
        sign = signer(resources.settings)
        claims = sign.read(self.owner.token, Kind.ACCESS)
        assert claims is not None
        return sign.write(replace(claims, expires_at=claims.issued_at - 1))


@asynccontextmanager
async def people(app: Application) -> AsyncIterator[People]:
    """New accounts, without rows of theirs."""
    async with AsyncExitStack() as stack:
        owner = await _person(app, stack, "owner")
        superuser = await _person(app, stack, "super", is_superuser=True)
        yield People(app, owner, superuser, stack)


async def _person(app: Application, stack: AsyncExitStack, name: str, **values: Any) -> Person:
    person = await stack.enter_async_context(client_of(app, Person))
    person.app = app
    await person.make(f"{name}{next(_number)}", **values)
    await person.login()
    return person


_told: set[tuple[str, str]] = set()


def lacking(feature: str, what: str, told: str) -> NoReturn:
    """Fail, since the feature's tests folder has no `what`. The tests behind it that miss the same
    are skipped: it is said once."""
    told = f"features/{feature}/tests/{told}"
    if (feature, what) in _told:
        pytest.skip(told)
    _told.add((feature, what))
    pytest.fail(told, pytrace=False)


def arranger_of(feature: str) -> Arrange:
    """How the feature arranges rows for a call; without such a file it needs none."""
    arrange: Arrange = getattr(_factories(feature), "arrange", _arrange_nothing)
    return arrange


def good_once_of(feature: str) -> Collection[str]:
    """The operations for which what the feature arranges is good for one call."""
    good_once: Collection[str] = getattr(_factories(feature), "good_once", ())
    return good_once


def add_rows_of(feature: str) -> AddRows | None:
    """How the feature adds rows to its lists, if it says so."""
    add_rows: AddRows | None = getattr(_factories(feature), "add_rows", None)
    return add_rows


def shows_all_of(feature: str) -> Collection[str]:
    """The feature's lists, by their functions' names, that show callers their own rows and a
    superuser all."""
    shows_all: Collection[str] = getattr(_factories(feature), "shows_all", ())
    return shows_all


def missing_of(feature: str) -> Mapping[str, str]:
    """What the feature answers (404) when what a parameter of its paths names is not there."""
    missing: Mapping[str, str] = getattr(_factories(feature), "missing", {})
    return missing


def shared_of(feature: str) -> Mapping[str, str]:
    """The parameters of the feature's paths whose rows belong to none of what stands before them in
    the path, and why: a role that is given to a user."""
    shared: Mapping[str, str] = getattr(_factories(feature), "shared", {})
    return shared


@cache
def own_callers() -> dict[str, OwnersCaller]:
    """What features add to the callers, by name."""
    offered = [getattr(_factories(name), "callers", {}) for name in sorted(discovery.names())]
    return {name: caller for callers in offered for name, caller in callers.items()}


def _factories(feature: str) -> Any:
    module = f"features.{feature}.tests.factories"
    return import_module(module) if find_spec(module) else None


async def _arrange_nothing(people: People, operation: str) -> Mapping[str, Any]:
    return {}


async def call(
    people: People,
    route: FeatureRoute,
    method: str,
    given: Mapping[str, Any],
    caller: str | httpx2.AsyncClient,
    **query: Any,
) -> httpx2.Response:
    """Call the route in a valid way as that caller, about what the feature's factories gave.

    Of `query` it sends what the route has parameters for.
    """
    document, operation = _documented(people, route, method)
    path = path_of(people, route, given)
    parameters = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    known = {
        name: value for name, value in query.items() if name in {p["name"] for p in parameters}
    }
    required = {
        parameter["name"]: _example(parameter["schema"], f"{route.path}?{parameter['name']}")
        for parameter in parameters
        if parameter["required"]
    }
    if caller == HOLDER:
        caller = await people.holder(named_permissions(route.dependant))
    client = await people.caller(caller) if isinstance(caller, str) else caller
    return await client.request(
        method,
        path,
        params=required | known | given.get("query", {}),
        headers=given.get("headers"),
        **_body(document, operation, given.get("body")),
    )


def body_of(people: People, route: FeatureRoute, method: str, given: Mapping[str, Any]) -> Any:
    """The JSON that a call sends; None where it sends none."""
    document, operation = _documented(people, route, method)
    return _body(document, operation, given.get("body")).get("json")


def _documented(people: People, route: FeatureRoute, method: str) -> tuple[Json, Json]:
    """The OpenAPI document, and what it says of the route; nothing where it leaves that out."""
    document = people.app.openapi()
    return document, document["paths"].get(route.path_format, {}).get(method.lower(), {})


def path_of(people: People, route: FeatureRoute, given: Mapping[str, Any]) -> str:
    """The path of a call about what the feature's factories gave."""
    given = {"username": people.owner.username, **given}
    path = route.path_format
    for name in route.param_convertors:
        if name not in given:
            told = f"factories.py: `arrange` must give `{name}` for {route.path_format}; {GUIDE}"
            lacking(route.endpoint.__module__.split(".")[1], name, told)
        path = path.replace(f"{{{name}}}", as_text(given[name]))
    return path


def as_text(value: Any) -> str:
    """A value as an address has it."""
    plain = to_jsonable_python(value)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def _body(document: Json, operation: Json, given: Any) -> dict[str, Any]:
    if "requestBody" not in operation:
        # Of a route that the document leaves out, what its feature gives is a page's form.
        return {} if operation or given is None else {"data": given}
    [(media_type, content)] = operation["requestBody"]["content"].items()
    if given is None:
        name = content["schema"]["$ref"].rpartition("/")[2]
        given = _example(document["components"]["schemas"][name], name)
    return {"json" if media_type == "application/json" else "data": given}


def _example(schema: Json, name: str) -> Any:
    assert schema.get("examples"), (
        f"{name} needs an example that works: kernel.schemas.schemas.example"
    )
    return schema["examples"][0]
