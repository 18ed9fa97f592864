"""The drill of guesses: strangers begin sign-ins and come back with what they make up, and a person
still gets in, soon."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from secrets import token_urlsafe

import httpx2
import pytest
from sqlalchemy import func, select

from features.sign_in.models import Identity, SignInAttempt
from features.sign_in.tests.provider import provider_serving
from kernel.resources import Resources

served = pytest.importorskip("infra.drills.fuzzing").served
client_from = pytest.importorskip("infra.drills.login_attack").client_from

SECONDS = 8.0
GUESSERS = 6  # addresses
LIMIT = 20  # per address
BOUND = 3.0  # seconds that a sign-in takes meanwhile
START = "/api/v1/sign-in/sso"


async def guess(api: str, address: str, until: float, statuses: Counter[tuple[str, int]]) -> None:
    """Begin, and come back with a state, a code and a cookie that are made up."""
    async with client_from(address, api) as client:
        while time.monotonic() < until:
            began = await client.get(START)
            statuses["begin", began.status_code] += 1
            query = {"state": token_urlsafe(32), "code": token_urlsafe(16)}
            headers = {"Cookie": f"sign_in={token_urlsafe(32)}"}
            back = await client.get(f"{START}/callback", params=query, headers=headers)
            statuses["return", back.status_code] += 1


async def sign_in(api: str, visit: object) -> httpx2.Response:
    async with client_from("127.0.4.1", api) as client:
        began = await client.get(START)
        cookie = began.headers["Set-Cookie"].partition(";")[0]
        back = visit(began.headers["Location"])  # type: ignore[operator]
        answer: httpx2.Response = await client.get(back, headers={"Cookie": cookie})
        return answer


@pytest.mark.drill
@pytest.mark.longest
async def test_a_person_signs_in_while_others_guess(
    setting_values: dict[str, str], redis_url: str, resources: Resources, tmp_path: Path
) -> None:
    statuses = Counter[tuple[str, int]]()
    with provider_serving() as provider:
        values = {**setting_values, **provider.settings, "SIGN_IN_LIMIT": str(LIMIT)}
        with served(values, tmp_path) as api:
            until = time.monotonic() + SECONDS
            guessers = [
                asyncio.create_task(guess(api, f"127.0.3.{number + 1}", until, statuses))
                for number in range(GUESSERS)
            ]
            await asyncio.sleep(SECONDS / 2)
            began = time.monotonic()
            answer = await sign_in(api, provider.visit)
            took = time.monotonic() - began
            await asyncio.gather(*guessers)

    async with resources.unit() as db:
        kept = await db.scalar(select(func.count()).select_from(SignInAttempt))
        linked = await db.scalar(select(func.count()).select_from(Identity))
    print(f"\n{sum(statuses.values())} attempts: {dict(statuses)}; a sign-in took {took:.2f} s")
    assert answer.status_code == 200, answer.text
    assert took < BOUND
    assert linked == 1
    assert kept == LIMIT * GUESSERS
    assert statuses["begin", 303] == statuses["return", 400] == LIMIT * GUESSERS
    assert {status for _, status in statuses} == {303, 400, 429}
    # However many begin, the provider is asked what it is once, and of a code once.
    assert Counter(provider.seen) == {
        "/.well-known/openid-configuration": 1,
        "/keys": 1,
        "/token": 1,
    }
