"""A further step of ours, behind the provider's sign-in: asked, and told, or left out."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.requests import HTTPConnection

from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import (
    address_of,
    browser,
    changed,
    problem_behind,
    sign_in,
    signed_in,
)
from features.users.models import Account
from kernel.app import Application
from kernel.config import Settings
from kernel.context import Principal
from kernel.db import UnitOfWork
from kernel.errors import UnauthorizedException
from kernel.resources import Resources
from tests.application import ApplicationFactory

TICKET = {"detail": "Enter a code.", "ticket": "the-ticket"}


class CodeNeeded(UnauthorizedException):
    """401: a code is missing."""

    problem_type = "urn:problem-type:code-needed"


class Step:
    """A feature that always asks for a code, and of callers nothing."""

    async def ask(
        self, connection: HTTPConnection, unit: UnitOfWork, account: Account, door: str = "api"
    ) -> None:
        assert (account.username, door) == ("graceh", "api")
        error = CodeNeeded(commits=True)
        error.detail = TICKET  # type: ignore[assignment]
        raise error

    def admission(self, settings: Settings, caller: Principal) -> None:
        """Callers pass."""


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


@pytest.fixture(autouse=True)
def asked_for(provider: Provider, resources: Resources) -> Iterator[None]:
    kept = resources.provider("further_step")
    resources.providers["further_step"] = Step()
    yield
    resources.providers["further_step"] = kept


async def test_a_front_end_gets_the_ticket_to_go_on_with(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        answer = await sign_in(person, provider, next="/login")
        session = await person.refresh()

    assert json.loads(problem_behind(answer.headers["Location"])) == {
        "type": "urn:problem-type:code-needed",
        "status": 401,
        **TICKET,
    }
    assert session.status_code == 401


async def test_without_a_front_end_a_program_gets_it_as_a_problem_and_a_person_as_a_page(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        answer = await sign_in(person, provider)
        back = provider.visit(await address_of(person))
        page = await person.get(back, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()["ticket"]) == (401, "the-ticket")
    assert page.status_code == 401
    assert "Enter a code." in page.text


async def test_where_the_providers_sign_in_is_enough_none_is_asked(
    app: Application, provider: Provider
) -> None:
    with changed(app, SignInSettings, sign_in_is_enough=True):
        person = await signed_in(app, provider)

    assert (await person.get("/api/v1/user/me/")).status_code == 200
