"""People sign in by a provider: new accounts, known ones, and where the browser goes."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256

import httpx2
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from features.auth.models import Session
from features.sign_in.models import Identity, SignInAttempt
from features.sign_in.personal_data import exports
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import (
    START,
    asked,
    browser,
    changed,
    sign_in,
    signed_in,
)
from features.users.models import User
from features.users.settings import RegistrationSettings
from kernel.app import Application
from kernel.config import AppSettings
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory

ME = "/api/v1/user/me/"


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


async def test_without_a_provider_in_the_settings_there_is_no_sign_in(
    app: Application, client: httpx2.AsyncClient
) -> None:
    with changed(app, SignInSettings, sign_in_issuer=None):
        answer = await client.get(START)
        providers = await client.get("/api/v1/sign-in/providers")

    assert refusal(answer) == (404, "There is no such sign-in.")
    assert providers.json() == {"providers": []}


async def test_the_providers_are_listed_for_buttons(
    client: httpx2.AsyncClient, provider: Provider
) -> None:
    answer = await client.get("/api/v1/sign-in/providers")

    assert answer.json()["providers"] == [
        {"name": "sso", "title": "Single sign-on", "issuer": provider.issuer, "path": START}
    ]


async def test_the_browser_is_sent_with_a_state_a_nonce_and_a_challenge(
    app: Application, resources: Resources
) -> None:
    async with browser(app) as client:
        answer = await client.get(START, params={"next": "/account"})
    sent = asked(answer.headers["Location"])

    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    assert sent["scope"] == "openid email profile"
    assert sent["redirect_uri"] == "https://test/api/v1/sign-in/sso/callback"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("sign_in=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(
        cookie.split("; ")
    )
    async with resources.unit() as db:
        [kept] = (await db.execute(select(SignInAttempt))).scalars()
    assert kept.state_hash == sha256(sent["state"].encode()).digest()
    assert (kept.nonce, kept.return_to) == (sent["nonce"], "/account")
    assert len({sent["state"], sent["nonce"], sent["code_challenge"], kept.verifier}) == 4


async def test_outside_local_the_cookie_is_bound_to_the_host(
    app: Application, provider: Provider
) -> None:
    with changed(app, AppSettings, environment="staging"):
        async with browser(app) as client:
            answer = await client.get(START)
            back = await client.get(provider.visit(answer.headers["Location"]))

    assert answer.headers["Set-Cookie"].startswith("__Host-sign_in=")
    assert back.status_code == 200


async def test_a_first_sign_in_makes_an_account_without_a_password(
    app: Application, provider: Provider, resources: Resources
) -> None:
    async with browser(app) as person:
        answer = await sign_in(person, provider, next="/account?tab=1")
        token = await person.refresh()
        me = (await person.get(ME)).json()

    assert (answer.status_code, answer.headers["Location"]) == (303, "/account?tab=1")
    assert token.status_code == 200
    assert (me["name"], me["username"], me["email"]) == (
        "Grace Hopper",
        "graceh",
        "grace@example.org",
    )
    async with resources.unit() as db:
        [hashed] = (await db.execute(select(col(User.hashed_password)))).scalars()
        [identity] = (await db.execute(select(Identity))).scalars()
    assert hashed is None
    assert (identity.user_id, identity.issuer, identity.subject) == (
        me["id"],
        provider.issuer,
        "248289761001",
    )


async def test_the_next_sign_in_opens_a_session_of_the_same_account(
    app: Application, provider: Provider
) -> None:
    first = await signed_in(app, provider)
    # What the provider says of the person by now doesn't matter: the subject is who it is.
    provider.person = {"sub": provider.person["sub"], "email": "other@example.org"}
    second = await signed_in(app, provider)

    me, again = (await first.get(ME)).json(), (await second.get(ME)).json()
    assert me == again
    assert me["email"] == "grace@example.org"
    assert (await first.get("/api/v1/sessions")).json()["total_count"] == 2


async def test_without_a_front_end_a_page_says_that_it_is_done(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        answer = await sign_in(person, provider)

    assert answer.headers["Content-Type"].startswith("text/html")
    assert "You are signed in." in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_the_session_that_the_browser_had_ends(app: Application, provider: Provider) -> None:
    person = await signed_in(app, provider)
    token = person.token

    await sign_in(person, provider)

    old = await person.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert old.status_code == 401


async def test_the_claims_are_asked_for_where_the_id_token_has_none(
    app: Application, provider: Provider
) -> None:
    provider.in_id_token = False

    person = await signed_in(app, provider)

    assert (await person.get(ME)).json()["email"] == "grace@example.org"
    assert "/userinfo" in provider.seen


async def test_a_name_that_no_account_may_have_is_passed_over(
    app: Application, provider: Provider
) -> None:
    provider.person |= {"name": "\u202e", "given_name": "  Grace\n", "family_name": "H" * 60}
    provider.person["preferred_username"] = "Ĝŕàçé ☃"

    me = (await (await signed_in(app, provider)).get(ME)).json()

    assert me["name"] == ("Grace " + "H" * 60)[:30]
    assert me["username"] == "grace"


@pytest.mark.parametrize("taken", ["graceh", "me"])
async def test_a_username_that_is_taken_or_reserved_gets_digits(
    app: Application, provider: Provider, taken: str
) -> None:
    provider.person["preferred_username"] = taken
    if taken == "graceh":
        async with browser(app) as other:
            await other.register("graceh")

    me = (await (await signed_in(app, provider)).get(ME)).json()

    assert me["username"].startswith(taken)
    assert me["username"][len(taken) :].isdigit()


@pytest.mark.parametrize("said", [False, None, "yes", 1.5])
async def test_an_address_that_the_provider_has_not_verified_is_refused(
    app: Application, provider: Provider, said: object
) -> None:
    provider.person["email_verified"] = said

    async with browser(app) as person:
        answer = await sign_in(person, provider)

    assert refusal(answer) == (
        403,
        "The provider doesn't say that it has verified your e-mail address.",
    )


async def test_an_address_that_an_account_has_is_refused(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as other:
        await other.register("grace", email="GRACE@example.org")
        await other.login()

        async with browser(app) as person:
            answer = await sign_in(person, provider)
            none = await person.refresh()

        assert answer.status_code == 409
        assert "link this sign-in" in answer.json()["detail"]
        assert none.status_code == 401
        assert (await other.get("/api/v1/sign-in/identities")).json()["total_count"] == 0


async def test_registrations_are_counted(app: Application, provider: Provider) -> None:
    with changed(app, RegistrationSettings, registration_limit=1):
        first = await signed_in(app, provider)
        provider.person |= {"sub": "2", "email": "ada@example.org"}
        async with browser(app) as person:
            answer = await sign_in(person, provider)
        provider.person["sub"] = "248289761001"
        again = await signed_in(app, provider)

    assert answer.status_code == 429
    assert first.token != again.token


async def test_an_account_that_is_deleted_frees_what_it_was_linked_to(
    app: Application, provider: Provider, resources: Resources
) -> None:
    kept = provider.person
    provider.person = {"sub": "2", "email": "ada@example.org", "email_verified": True}
    await signed_in(app, provider)
    provider.person = kept
    person = await signed_in(app, provider)
    me = (await person.get(ME)).json()
    async with resources.unit() as db:
        await db.execute(update(Session).values(password_at=None))
    assert (await person.delete(f"/api/v1/user/{me['username']}")).status_code == 200

    again = (await (await signed_in(app, provider)).get(ME)).json()

    assert again["id"] != me["id"]
    assert again["username"] == me["username"]


async def test_a_sign_in_by_a_session_of_the_provider_is_no_step_up(
    app: Application, provider: Provider
) -> None:
    person: Person = await signed_in(app, provider)
    me = (await person.get(ME)).json()

    answer = await person.delete(f"/api/v1/user/{me['username']}")

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:problem-type:step-up-required"


async def test_what_is_known_of_a_person_is_in_the_archive(
    app: Application, provider: Provider, resources: Resources
) -> None:
    person = await signed_in(app, provider)
    me = (await person.get(ME)).json()

    async with resources.unit() as db:
        rows = (await db.execute(exports["identities"], {"user_id": me["id"]})).mappings().all()

    assert json.dumps([dict(row) for row in rows], default=str).count("248289761001") == 1


async def test_an_address_that_the_provider_has_verified_is_not_asked_for_again(
    app: Application, provider: Provider, resources: Resources
) -> None:
    verification = pytest.importorskip("features.verification.settings")
    tables = pytest.importorskip("features.verification.models")
    with changed(app, verification.VerificationSettings, require_verified_email="login"):
        person = await signed_in(app, provider)

    assert (await person.get(ME)).status_code == 200
    async with resources.unit() as db:
        assert (await db.execute(select(tables.UnverifiedUser))).all() == []
