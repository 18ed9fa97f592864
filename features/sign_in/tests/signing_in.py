"""What a person does with a browser, from a button to the page behind the sign-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from features.sign_in.tests.provider import Provider
from kernel.app import Application
from kernel.config import SettingsGroup
from tests.accounts import Person
from tests.application import client_of

START = "/api/v1/sign-in/sso"


def browser(app: Application, address: str = "127.0.0.1") -> Person:
    """A browser without cookies."""
    person = client_of(app, Person, address)
    person.app = app
    return person


async def address_of(client: httpx2.AsyncClient, **query: str) -> str:
    """Where the button sends the browser."""
    answer = await client.get(START, params=query)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def sign_in(client: httpx2.AsyncClient, provider: Provider, **query: str) -> httpx2.Response:
    """Sign in at the provider; what the browser gets when it is back."""
    return await client.get(provider.visit(await address_of(client, **query)))


async def signed_in(app: Application, provider: Provider) -> Person:
    """A person who has signed in by the provider, with an access token, as a front end gets it."""
    person = browser(app)
    answer = await sign_in(person, provider)
    assert answer.status_code == 200, answer.text
    assert (await person.refresh()).status_code == 200
    return person


async def begun(person: Person, what: str, **body: str) -> str:
    """The address at the provider, of a link or a step-up."""
    answer = await person.post(f"{START}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    return url


def asked(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def problem_behind(address: str) -> str:
    """The problem that a front end finds behind the #, in JSON."""
    return unquote(address.partition("#problem=")[2])


@contextmanager
def changed(app: Application, kind: type[SettingsGroup], **values: Any) -> Iterator[None]:
    """Let a running application have other settings."""
    groups = app.state.resources.settings._groups
    kept = app.state.resources.settings.group(kind)
    groups[kind] = kind(**{**dict(kept), **values})
    try:
        yield
    finally:
        groups[kind] = kept
