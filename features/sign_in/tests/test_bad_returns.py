"""Browsers that come back with what isn't theirs, isn't good any more, or never was."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from features.sign_in.models import SignInAttempt
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import START, address_of, browser, changed, sign_in
from kernel import jobs
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import refusal
from tests.application import ApplicationFactory
from tests.jobs import RunJobs

REFUSED = (400, "The sign-in could not be completed; begin it again.")
OTHER = (
    '[{"name": "other", "title": "Other", "issuer": "%s/", "client_id": "c", "client_secret": "s"}]'
)


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    more = {"SIGN_IN_MORE_PROVIDERS": OTHER % provider_server.issuer}
    async with make_app(**provider_server.settings, **more) as app:
        yield app


async def test_a_state_is_good_once(app: Application, provider: Provider) -> None:
    async with browser(app) as person:
        back = provider.visit(await address_of(person))
        first = await person.get(back)
        again = await person.get(back)

    assert (first.status_code, refusal(again)) == (200, REFUSED)


async def test_of_many_who_come_back_at_once_one_is_let_in(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        back = provider.visit(await address_of(person))
        answers = await asyncio.gather(*[person.get(back) for _ in range(8)])

    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]


async def test_a_code_that_was_used_is_refused(app: Application, provider: Provider) -> None:
    async with browser(app) as person:
        used = provider.visit(await address_of(person))
        await person.get(used)
        back = provider.visit(await address_of(person))
        code = httpx2.URL(used).params["code"]
        answer = await person.get(str(httpx2.URL(back).copy_set_param("code", code)))

    assert refusal(answer) == REFUSED


async def test_a_code_of_another_sign_in_is_refused_by_its_challenge(
    app: Application, provider: Provider
) -> None:
    """A code that was stolen is injected into the thief's own sign-in: RFC 9700, section 4.5."""
    async with browser(app) as person, browser(app) as thief:
        stolen = httpx2.URL(provider.visit(await address_of(person))).params["code"]
        back = provider.visit(await address_of(thief))
        answer = await thief.get(str(httpx2.URL(back).copy_set_param("code", stolen)))

    assert refusal(answer) == REFUSED
    assert "/token" in provider.seen


async def test_another_browser_is_refused_and_the_own_one_goes_on(
    app: Application, provider: Provider
) -> None:
    """Login CSRF: who is sent to another's answer is not signed in as that one."""
    async with browser(app) as person, browser(app) as victim, browser(app) as third:
        back = provider.visit(await address_of(person))
        await address_of(victim)
        answers = [await victim.get(back), await third.get(back)]
        own = await person.get(back)

    assert [refusal(answer) for answer in answers] == [REFUSED, REFUSED]
    assert own.status_code == 200


@pytest.mark.parametrize("change", ["state", "code", "cookie", "provider", "no code", "no state"])
async def test_what_was_altered_is_refused(
    app: Application, provider: Provider, change: str
) -> None:
    async with browser(app) as person:
        back = httpx2.URL(provider.visit(await address_of(person)))
        if change in ("state", "code"):
            back = back.copy_set_param(change, "A" * 43)
        elif change == "cookie":
            person.cookies.clear()
            person.cookies.set("sign_in", "A" * 43)
        elif change == "provider":
            back = back.copy_with(path="/api/v1/sign-in/other/callback")
        else:
            back = back.copy_remove_param(change.removeprefix("no "))
        answer = await person.get(str(back))

    assert refusal(answer) == REFUSED


@pytest.mark.parametrize(
    "value", ["", "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "é" * 5000]
)
async def test_what_no_browser_sends_is_refused(
    app: Application, provider: Provider, value: str
) -> None:
    async with browser(app) as person:
        back = httpx2.URL(provider.visit(await address_of(person)))
        answers = [
            await person.get(str(back.copy_set_param(name, value)))
            for name in ("state", "code", "iss")
        ]

    assert {answer.status_code for answer in answers} <= {400, 422}


async def test_a_person_who_says_no_at_the_provider_is_not_signed_in(
    app: Application, provider: Provider
) -> None:
    provider.lies.back = {"code": "", "error": "access_denied"}

    async with browser(app) as person:
        answer = await sign_in(person, provider, next="/login")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login#problem=")
    assert "/token" not in provider.seen


@pytest.mark.parametrize("name", ["https://other.example", ""])
async def test_another_providers_answer_is_refused_before_the_code_is_shown(
    app: Application, provider: Provider, name: str
) -> None:
    """The mix-up attack: RFC 9207. This provider says that it always says who it is."""
    provider.lies.back["iss"] = name

    async with browser(app) as person:
        answer = await sign_in(person, provider)

    assert refusal(answer) == REFUSED
    assert "/token" not in provider.seen


async def test_an_answer_without_a_name_is_fine_where_the_provider_says_none(
    app: Application, provider: Provider
) -> None:
    provider.lies.metadata["authorization_response_iss_parameter_supported"] = False
    provider.lies.back["iss"] = ""

    async with browser(app) as person:
        answer = await sign_in(person, provider)

    assert answer.status_code == 200


async def test_a_sign_in_expires(
    app: Application, provider: Provider, resources: Resources, run_jobs: RunJobs
) -> None:
    async with browser(app) as person:
        back = provider.visit(await address_of(person))
        async with resources.unit() as db:
            past = col(SignInAttempt.expires_at) - timedelta(minutes=12)
            await db.execute(update(SignInAttempt).values(expires_at=past))
        answer = await person.get(back)
        await address_of(person)

    assert refusal(answer) == REFUSED
    await jobs.enqueue(resources, "sign_in.purge")
    await run_jobs()
    async with resources.unit() as db:
        left = await db.scalar(select(func.count()).select_from(SignInAttempt))
    assert left == 1


async def test_two_tabs_sign_in_side_by_side(app: Application, provider: Provider) -> None:
    async with browser(app) as person:
        first, second = await address_of(person), await address_of(person)
        answers = [await person.get(provider.visit(url)) for url in (first, second)]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_sign_ins_are_counted(app: Application, provider: Provider) -> None:
    with changed(app, SignInSettings, sign_in_limit=3):
        async with browser(app, "10.0.0.1") as guesser, browser(app, "10.0.0.2") as person:
            begun = [(await guesser.get(START)).status_code for _ in range(5)]
            guesses = [
                (await guesser.get(f"{START}/callback?state={'A' * 43}")).status_code
                for _ in range(5)
            ]
            own = await sign_in(person, provider)

    assert begun == [303] * 3 + [429] * 2
    assert guesses == [400] * 3 + [429] * 2
    assert own.status_code == 200
