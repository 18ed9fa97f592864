"""Linking a sign-in to an account, unlinking it, and stepping up by it."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from features.auth.models import Session
from features.emails.events import AddressConfirmed
from features.sign_in.crud import link
from features.sign_in.models import Identity
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import (
    START,
    asked,
    begun,
    browser,
    changed,
    sign_in,
    signed_in,
)
from features.users.crud import change_user
from kernel.app import Application
from kernel.events import emit
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory

ME = "/api/v1/user/me/"
IDENTITIES = "/api/v1/sign-in/identities"
REFUSED = (400, "The sign-in could not be completed; begin it again.")
LAST_WAY = (409, "The account has no password and no other sign-in: set a password first.")


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


async def let_step_ups_pass(resources: Resources) -> None:
    async with resources.unit() as db:
        await db.execute(
            update(Session).values(password_at=col(Session.password_at) - timedelta(minutes=11))
        )


async def linked(person: Person, provider: Provider) -> None:
    """Link what the provider calls this person."""
    answer = await person.get(provider.visit(await begun(person, "link")))
    assert answer.status_code == 200, answer.text


async def identities(person: Person) -> list[int]:
    """The ids of the person's identities."""
    return [one["id"] for one in (await person.get(IDENTITIES)).json()["data"]]


async def test_linking_needs_a_login_and_a_recent_password(
    user: Person, app: Application, resources: Resources
) -> None:
    async with browser(app) as stranger:
        anonymous = await stranger.post(f"{START}/link", json={})
    await let_step_ups_pass(resources)
    late = await user.post(f"{START}/link", json={})

    assert anonymous.status_code == 401
    assert late.status_code == 403
    assert late.json()["type"] == "urn:problem-type:step-up-required"


async def test_pages_of_other_sites_begin_nothing(user: Person) -> None:
    answer = await user.post(f"{START}/link", json={}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


async def test_a_sign_in_is_linked_after_the_accounts_own_login(
    user: Person, app: Application, provider: Provider
) -> None:
    answer = await user.get(provider.visit(await begun(user, "link", next="/account")))
    again = await signed_in(app, provider)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert (await again.get(ME)).json()["username"] == "user1"
    [shown] = (await user.get(IDENTITIES)).json()["data"]
    assert shown["issuer"] == provider.issuer
    assert shown["last_used_at"] is not None


async def test_a_link_ends_in_the_browser_that_has_begun_it(
    user: Person, other: Person, provider: Provider
) -> None:
    answer = await other.get(provider.visit(await begun(user, "link")))

    assert refusal(answer) == REFUSED
    assert await identities(user) == await identities(other) == []


async def test_a_link_of_a_session_that_is_over_is_refused(
    user: Person, provider: Provider
) -> None:
    back = provider.visit(await begun(user, "link"))
    assert (await user.post("/api/v1/logout")).status_code == 200

    answer = await user.get(back)

    assert refusal(answer) == REFUSED


async def test_a_sign_in_is_linked_to_one_account(
    user: Person, other: Person, provider: Provider, resources: Resources
) -> None:
    await linked(user, provider)
    await linked(user, provider)

    answer = await other.get(provider.visit(await begun(other, "link")))
    async with resources.unit() as db:  # as of two that link it at once the second one does
        named = {"issuer": provider.issuer, "subject": provider.person["sub"]}
        second = await link(db, other.id, **named)

    assert refusal(answer) == (409, "This sign-in is linked to an account already.")
    assert second is False
    assert len(await identities(user)) == 1


async def test_others_identities_are_not_found(
    user: Person, other: Person, provider: Provider
) -> None:
    await linked(user, provider)
    [identity] = await identities(user)

    answer = await other.delete(f"/api/v1/sign-in/identity/{identity}")

    assert refusal(answer) == (404, "Identity not found")


async def test_an_identity_is_unlinked_from_an_account_with_a_password(
    user: Person, app: Application, provider: Provider
) -> None:
    await linked(user, provider)
    [identity] = await identities(user)

    answer = await user.delete(f"/api/v1/sign-in/identity/{identity}")
    again = await signed_in(app, provider)

    assert answer.json() == {"message": "Identity unlinked"}
    assert (await again.get(ME)).json()["username"] == "graceh"


async def test_unlinking_needs_a_step_up(
    user: Person, provider: Provider, resources: Resources
) -> None:
    await linked(user, provider)
    await let_step_ups_pass(resources)
    [identity] = await identities(user)

    answer = await user.delete(f"/api/v1/sign-in/identity/{identity}")

    assert answer.json()["type"] == "urn:problem-type:step-up-required"


async def stepped_up(person: Person, provider: Provider) -> None:
    answer = await person.get(provider.visit(await begun(person, "step-up")))
    assert answer.status_code == 200, answer.text


async def test_the_last_way_in_is_not_unlinked(
    app: Application, provider: Provider, resources: Resources
) -> None:
    person = await signed_in(app, provider)
    await stepped_up(person, provider)
    async with resources.unit() as db:
        # A provider that isn't in the settings any more lets no one in.
        me = (await person.get(ME)).json()
        db.add(Identity(user_id=me["id"], issuer="https://gone.example", subject="1"))
    first, gone = await identities(person)

    kept = await person.delete(f"/api/v1/sign-in/identity/{first}")
    removed = await person.delete(f"/api/v1/sign-in/identity/{gone}")

    assert refusal(kept) == LAST_WAY
    assert removed.status_code == 200
    assert await identities(person) == [first]


async def test_of_two_that_unlink_the_last_two_at_once_one_is_refused(
    app: Application, provider: Provider, resources: Resources
) -> None:
    person = await signed_in(app, provider)
    await stepped_up(person, provider)
    me = (await person.get(ME)).json()
    for round_ in range(5):
        async with resources.unit() as db:
            db.add(Identity(user_id=me["id"], issuer=provider.issuer, subject=f"more{round_}"))
        both = await identities(person)
        answers = await asyncio.gather(
            *[person.delete(f"/api/v1/sign-in/identity/{one}") for one in both]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_step_up_asks_the_provider_to_ask_the_person(
    app: Application, provider: Provider
) -> None:
    person = await signed_in(app, provider)
    sent = asked(await begun(person, "step-up"))

    assert (sent["prompt"], sent["max_age"]) == ("login", "0")


async def test_a_step_up_by_the_provider_counts_as_an_entered_password(
    app: Application, provider: Provider
) -> None:
    person = await signed_in(app, provider)
    before = await person.post(f"{START}/link", json={})
    await stepped_up(person, provider)
    after = await person.post(f"{START}/link", json={})

    assert (before.status_code, after.status_code) == (403, 200)


@pytest.mark.parametrize("lie", ["no moment", "long ago", "another person", "a person unknown"])
async def test_a_step_up_that_shows_nothing_new_is_refused(
    app: Application, provider: Provider, lie: str
) -> None:
    person = await signed_in(app, provider)
    if lie == "another person":
        kept = provider.person
        provider.person = {**kept, "sub": "2", "email": "ada@example.org"}
        await signed_in(app, provider)
    elif lie == "a person unknown":
        provider.person = {**provider.person, "sub": "3"}
    else:
        moment = None if lie == "no moment" else int(time.time()) - 300
        provider.lies.claims["auth_time"] = moment

    answer = await person.get(provider.visit(await begun(person, "step-up")))
    after = await person.post(f"{START}/link", json={})

    assert refusal(answer) == REFUSED
    assert after.status_code == 403


async def test_a_sign_in_that_has_just_asked_the_person_is_as_good_as_a_step_up(
    app: Application, provider: Provider
) -> None:
    provider.lies.claims["auth_time"] = int(time.time())

    person = await signed_in(app, provider)

    assert (await person.post(f"{START}/link", json={})).status_code == 200


async def test_an_address_that_a_mailed_link_has_proved_links_where_that_is_set(
    user: Person, app: Application, provider: Provider, resources: Resources
) -> None:
    provider.person["email"] = "USER1@example.com"
    with changed(app, SignInSettings, sign_in_link_by_email=True):
        async with browser(app) as person:
            unproved = await sign_in(person, provider)
        async with resources.unit() as db:
            await emit(db, AddressConfirmed(user.id))
        again = await signed_in(app, provider)
        ended = await user.get(ME)

    assert unproved.status_code == 409
    assert (await again.get(ME)).json()["username"] == "user1"
    assert ended.status_code == 401, "who had registered the address may be somebody else"


@pytest.mark.parametrize("why", ["off", "another address", "a superuser"])
async def test_a_proved_address_links_nothing_else(
    user: Person, app: Application, provider: Provider, resources: Resources, why: str
) -> None:
    provider.person["email"] = "user1@example.com"
    with changed(app, SignInSettings, sign_in_link_by_email=True):
        async with resources.unit() as db:
            await emit(db, AddressConfirmed(user.id))
        async with resources.unit() as db:
            if why == "another address":
                await change_user(db, user.id, {"email": "new1@example.com"})
                provider.person["email"] = "new1@example.com"
            elif why == "a superuser":
                await change_user(db, user.id, {"is_superuser": True})
        with changed(app, SignInSettings, sign_in_link_by_email=why != "off"):
            async with browser(app) as person:
                answer = await sign_in(person, provider)

    assert answer.status_code == 409
    assert await identities(user) == []
