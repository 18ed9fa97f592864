"""Fixtures of people: clients that are logged in, and the way to make more of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from typing import Any

import bcrypt
import httpx2
import pytest

from features.users.crud import change_user, create_user
from features.users.models import UserCreateInternal
from kernel.app import Application
from kernel.context import RequestContext
from kernel.resources import Resources
from kernel.web.access import PermissionsOf
from tests.application import client_of

PASSWORD = "correct horse battery"
Refusal = tuple[int, str]


def refusal(answer: httpx2.Response) -> Refusal:
    """Status and detail of a problem."""
    assert answer.is_error, f"not refused: {answer.status_code} {answer.text}"
    return answer.status_code, answer.json()["detail"]


class Person(httpx2.AsyncClient):
    """A client that speaks for one account: `await user.get("/api/v1/user/me/")`."""

    app: Application
    id: int
    name: str
    username: str
    email: str
    password: str

    async def register(self, username: str, password: str = PASSWORD, **values: Any) -> "Person":
        """Make the account."""
        registration = {
            "name": username.title(),
            "username": username,
            "email": f"{username}@example.com",
            "password": password,
            **values,
        }
        answer = await self.post("/api/v1/user", json=registration)
        assert answer.status_code == 201, answer.text
        self.id, self.password = answer.json()["id"], password
        self.name, self.username = registration["name"], registration["username"]
        self.email = registration["email"]
        return self

    async def make(self, username: str, password: str = PASSWORD, **values: Any) -> "Person":
        """Make the account as registering it does, at a third of the cost."""
        named = {"name": username.title(), "email": f"{username}@example.com"} | values
        user = UserCreateInternal(username=username, hashed_password=_hashed(password), **named)
        async with self.app.state.resources.unit() as db:
            self.id = await create_user(db, user)
        self.password, self.username = password, username
        self.name, self.email = named["name"], named["email"]
        return self

    async def login(self, name: str = "", password: str = "") -> httpx2.Response:
        """Log in, by default with the account's own name and password, and keep the token."""
        form = {"username": name or self.username, "password": password or self.password}
        answer = await self.post("/api/v1/login", data=form)
        self.use(answer)
        return answer

    async def refresh(self) -> httpx2.Response:
        """Exchange the refresh cookie, and keep the new token."""
        answer = await self.post("/api/v1/refresh")
        self.use(answer)
        return answer

    def use(self, answer: httpx2.Response) -> None:
        """Send the access token of a login or a refresh from now on."""
        if answer.status_code == 200:
            self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @property
    def token(self) -> str:
        """The access token that is sent."""
        return self.headers["Authorization"].removeprefix("Bearer ")


@cache
def _hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


Register = Callable[..., Awaitable[Person]]


@pytest.fixture
async def register(app: Application) -> AsyncIterator[Register]:
    """Make an account and log in: `ada = await register("ada")`."""
    async with AsyncExitStack() as stack:

        async def register(username: str, **values: Any) -> Person:
            person = await stack.enter_async_context(client_of(app, Person))
            person.app = app
            await person.make(username, **values)
            await person.login()
            return person

        yield register


@contextmanager
def permissions_given(app: Application) -> Iterator[dict[int, Collection[str]]]:
    """Permissions by user id, beside those that users have by whatever feature gives them."""
    given: dict[int, Collection[str]] = {}
    resources: Resources = app.state.resources
    others: PermissionsOf | None = resources.provider("permissions_of")
    kept = resources.provider("kept_permissions_of")

    async def permissions_of(context: RequestContext, user_id: int) -> frozenset[str]:
        if user_id in given or others is None:
            return frozenset(given.get(user_id, ()))
        return await others(context, user_id)

    resources.providers |= {"permissions_of": permissions_of, "kept_permissions_of": None}
    yield given
    resources.providers |= {"permissions_of": others, "kept_permissions_of": kept}


Permit = Callable[..., None]


@pytest.fixture
def permit(app: Application) -> Iterator[Permit]:
    """Let a user have permissions, and no others: `permit(ada, "posts.moderate")`."""
    with permissions_given(app) as given:

        def permit(person: Person, *permissions: str) -> None:
            given[person.id] = permissions

        yield permit


@pytest.fixture
async def user(register: Register) -> Person:
    """An ordinary user, logged in."""
    return await register("user1")


@pytest.fixture
async def other(register: Register) -> Person:
    """Another ordinary user, logged in."""
    return await register("other1")


@pytest.fixture
async def superuser(register: Register, resources: Resources) -> Person:
    """A superuser, logged in."""
    person = await register("super1")
    async with resources.unit() as db:
        await change_user(db, person.id, {"is_superuser": True})
    return person
