"""The drill of guesses: who has a password tries codes from many addresses, as fast as they are
answered, and the owner still gets in."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from features.second_factor.tests.factories import V1, add_passkey, set_up_app
from tests.accounts import PASSWORD, Person
from tests.served import serving

attack = pytest.importorskip("infra.drills.login_attack")

SECONDS = 10.0
GUESSERS = 8  # addresses
LIMIT = 10  # LOGIN_FAILURE_LIMIT's default
pytestmark = [pytest.mark.drill, pytest.mark.longest]


async def guess(api: str, address: str, until: float, statuses: Counter[tuple[str, int]]) -> None:
    """Log in with the right password and try each ticket's codes, one after the other."""
    form, number = {"username": "user1", "password": PASSWORD}, 0
    async with attack.client_from(address, api) as client:
        while time.monotonic() < until:
            login = await client.post(f"{V1}/login", data=form)
            statuses["login", login.status_code] += 1
            ticket = login.json().get("ticket")
            for _ in range(6 if ticket else 0):
                number += 1
                body = {"ticket": ticket, "code": f"{number % 1_000_000:06}"}
                answer = await client.post(f"{V1}/login/factor", json=body)
                statuses["factor", answer.status_code] += 1


async def test_codes_that_are_guessed_are_bounded_and_the_owner_gets_in(
    user: Person, setting_values: dict[str, str], tmp_path: Path
) -> None:
    await set_up_app(user)
    key, _ = await add_passkey(user)
    statuses = Counter[tuple[str, int]]()
    with serving(tmp_path, setting_values, "kernel.main:app", PASSKEY_ORIGIN=key.origin) as server:
        api = "http://{}:{}".format(*server.address)
        until = time.monotonic() + SECONDS
        guessers = [
            asyncio.create_task(guess(api, f"127.0.3.{number + 1}", until, statuses))
            for number in range(GUESSERS)
        ]
        await asyncio.sleep(SECONDS / 2)
        async with attack.client_from("127.0.4.1", api) as owner:
            options = (await owner.post(f"{V1}/login/passkey/options")).json()
            shown = {"passkey": key.sign(options)}
            answer: httpx2.Response = await owner.post(f"{V1}/login/passkey", json=shown)
        await asyncio.gather(*guessers)

    tried = statuses["factor", 401]
    print(f"\n{sum(statuses.values())} requests: {dict(statuses)}; {tried} codes were looked at")
    assert statuses["factor", 200] == 0
    assert 1 <= tried <= LIMIT
    assert answer.status_code == 200, "by a passkey, whatever others have used up"
