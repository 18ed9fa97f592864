"""Everybody who may call a route, and a valid call of it: the material of the access table."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any

import httpx2
import pytest

from features.auth.tokens import Kind, signer
from features.users.crud import change_user
from kernel.app import Application
from kernel.resources import Resources
from kernel.web.router import FeatureRoute
from tests.accounts import Person
from tests.application import client_of

Json = dict[str, Any]
# What features/<name>/tests/factories.py offers: rows for a call of that operation, as the values
# of its path parameters, and its `body` where the documented example doesn't do.
Arrange = Callable[["People", str], Awaitable[Mapping[str, Any]]]

CALLERS = ("anonymous", "other", "owner", "superuser", "deleted", "expired")
_number = count()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-access", action="store_true", help="write the access tables of the features"
    )


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

    def _expired_token(self) -> str:
        resources: Resources = self.app.state.resources
        sign = signer(resources.settings)
        claims = sign.read(self.owner.token, Kind.ACCESS)
        assert claims is not None
        return sign.write(replace(claims, expires_at=claims.issued_at - 1))


@asynccontextmanager
async def people(app: Application) -> AsyncIterator[People]:
    """New people, user_ref nothing has happened to yet."""
    async with AsyncExitStack() as stack:
        owner = await _person(app, stack, "owner")
        superuser = await _person(app, stack, "super")
        async with app.state.resources.unit() as db:
            await change_user(db, superuser.id, {"is_superuser": True})
        yield People(app, owner, superuser, stack)


async def _person(app: Application, stack: AsyncExitStack, name: str) -> Person:
    person = await stack.enter_async_context(client_of(app, Person))
    await person.register(f"{name}{next(_number)}")
    await person.login()
    return person


def arranger_of(feature: str) -> Arrange:
    """How the feature arranges rows for a call; without such a file it needs none."""
    module = f"features.{feature}.tests.factories"
    if find_spec(module) is None:
        return _arrange_nothing
    arrange: Arrange = import_module(module).arrange
    return arrange


async def _arrange_nothing(people: People, operation: str) -> Mapping[str, Any]:
    return {}


async def call(
    people: People, route: FeatureRoute, method: str, factories: Mapping[str, Any], caller: str
) -> int:
    """Call the route in a valid way as that caller; the status that is answered."""
    document = people.app.openapi()
    operation: Json = document["paths"].get(route.path_format, {}).get(method.lower(), {})
    given = {"username": people.owner.username, **factories}
    path = route.path_format
    for name in route.param_convertors:
        assert name in given, f"factories.py of the route's feature must give {name} for {path}"
        path = path.replace(f"{{{name}}}", str(given[name]))
    query = {
        parameter["name"]: _example(parameter["schema"], f"{path}?{parameter['name']}")
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and parameter["required"]
    }
    client = await people.caller(caller)
    answer = await client.request(
        method, path, params=query, **_body(document, operation, given.get("body"))
    )
    return answer.status_code


def _body(document: Json, operation: Json, given: Any) -> dict[str, Any]:
    if "requestBody" not in operation:
        return {}
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
