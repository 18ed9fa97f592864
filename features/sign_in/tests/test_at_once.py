"""Sign-ins that meet others in mid-act: one of them counts, and of the other nothing is left."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from features.sign_in.crud import link
from features.sign_in.models import MAX_IDENTITIES, Identity
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import address_of, begun, browser, problem_behind
from features.users.crud import create_user, hard_delete_user, lock_for_removal
from features.users.models import User, UserCreateInternal
from kernel.app import Application
from kernel.db import UnitOfWork
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


async def waiting_return(
    person: Person, provider: Provider, **query: str
) -> asyncio.Task[httpx2.Response]:
    """A browser that is back, and waits for another transaction."""
    back = provider.visit(await address_of(person, **query))
    returning = asyncio.create_task(person.get(back))
    done, _ = await asyncio.wait([returning], timeout=0.5)
    assert not done
    return returning


async def new_account(unit: UnitOfWork, email: str = "grace@example.org") -> int:
    return await create_user(
        unit, UserCreateInternal(name="Grace", username="gracious", email=email)
    )


async def test_of_a_new_account_whose_sign_in_another_links_at_once_nothing_is_left(
    app: Application, user: Person, provider: Provider, resources: Resources
) -> None:
    async with browser(app) as person:
        async with resources.unit() as unit:
            assert await link(unit, user.id, provider.issuer, provider.person["sub"])
            returning = await waiting_return(person, provider)
        answer = await returning
    async with resources.unit() as unit:
        accounts = await unit.scalar(select(func.count()).select_from(User))
        [holder] = await unit.scalars(select(col(Identity.user_id)))

    assert refusal(answer) == (400, "The sign-in could not be completed; begin it again.")
    assert (accounts, holder) == (1, user.id)


async def test_what_the_database_refuses_reaches_the_front_end_behind_the_fragment(
    app: Application, provider: Provider, resources: Resources
) -> None:
    async with browser(app) as person:
        async with resources.unit() as unit:
            await new_account(unit)
            returning = await waiting_return(person, provider, next="/account")
        answer = await returning

    assert answer.status_code == 303
    assert '"detail": "Email is already registered"' in problem_behind(answer.headers["Location"])


async def test_a_sign_in_is_not_taken_from_an_account_that_is_made_at_the_same_moment(
    user: Person, provider: Provider, resources: Resources
) -> None:
    named = (provider.issuer, provider.person["sub"])

    async def also() -> bool:
        async with resources.unit() as unit:
            return await link(unit, user.id, *named)

    async with resources.unit() as unit:
        assert await link(unit, await new_account(unit), *named)
        second = asyncio.create_task(also())
        done, _ = await asyncio.wait([second], timeout=0.5)
        assert not done

    assert await second is False


async def test_an_account_has_only_so_many_sign_ins_however_they_are_linked(
    user: Person, provider: Provider, resources: Resources
) -> None:
    async with resources.unit() as unit:
        for number in range(MAX_IDENTITIES - 1):
            assert await link(unit, user.id, provider.issuer, f"another {number}")
    backs = []
    for subject in ("first", "second"):
        provider.person = {**provider.person, "sub": subject}
        backs.append(provider.visit(await begun(user, "link")))

    answers = await asyncio.gather(*[user.get(back) for back in backs])

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_account_is_erased_while_its_owner_signs_in(
    app: Application, provider: Provider, resources: Resources
) -> None:
    async with resources.unit() as unit:
        user_id = await new_account(unit)
        assert await link(unit, user_id, provider.issuer, provider.person["sub"])
    async with browser(app) as person:
        async with resources.unit() as unit:
            account = await lock_for_removal(unit, user_id)
            assert account is not None
            returning = await waiting_return(person, provider)
            await hard_delete_user(unit, account)
        answer = await returning
    async with resources.unit() as unit:
        [holder] = await unit.scalars(select(col(Identity.user_id)))

    assert answer.status_code == 200
    assert holder != user_id, "who signs in after the erasure has a new account"
