"""What is done with one account's factors at once: all wait for each other in one order, and none
holds what another one waits for."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from features.second_factor import crud
from features.second_factor.tests.factories import V1, add_passkey, set_up_app, ticket_of
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import client_of

FACTOR, STEP_UP = f"{V1}/login/factor", f"{V1}/step-up/factor"

Shown = Callable[[], Awaitable[httpx2.Response]]


async def by_app(user: Person, stranger: httpx2.AsyncClient) -> Shown:
    app, _ = await set_up_app(user)
    ticket = await ticket_of(stranger, user.username, user.password)
    return lambda: stranger.post(FACTOR, json={"ticket": ticket, "code": app.code()})


async def by_recovery_code(user: Person, stranger: httpx2.AsyncClient) -> Shown:
    _, codes = await set_up_app(user)
    ticket = await ticket_of(stranger, user.username, user.password)
    return lambda: stranger.post(FACTOR, json={"ticket": ticket, "code": codes[0]})


async def by_passkey(user: Person, stranger: httpx2.AsyncClient) -> Shown:
    key, _ = await add_passkey(user)
    options = (await stranger.post(f"{V1}/login/passkey/options")).json()
    shown = {"passkey": key.sign(options)}
    return lambda: stranger.post(f"{V1}/login/passkey", json=shown)


async def by_step_up(user: Person, stranger: httpx2.AsyncClient) -> Shown:
    app, _ = await set_up_app(user)
    return lambda: user.post(STEP_UP, json={"code": app.code()})


@pytest.mark.parametrize("way", [by_app, by_recovery_code, by_passkey, by_step_up])
async def test_a_factor_is_not_used_while_all_are_taken_away(
    app: Application,
    user: Person,
    resources: Resources,
    way: Callable[[Person, httpx2.AsyncClient], Awaitable[Shown]],
) -> None:
    async with client_of(app) as stranger:
        show = await way(user, stranger)
        async with resources.unit() as unit:
            assert await crud.lock_account(unit, user.id)
            shown = asyncio.ensure_future(show())
            done, _ = await asyncio.wait([shown], timeout=0.5)
            assert not done, "it waits for the account"
            await crud.remove_all(unit, user.id)
        answer = await shown

    assert answer.status_code in (401, 422)
