"""The drill of guesses: strangers try links and ask for them, and the owner still gets in, soon."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import httpx2
import pytest

from features.emails.links import hash_of
from features.emails.models import EmailLink
from features.emails.tests.timing import SETTINGS
from features.recovery.crud import RESET
from features.users.crud import account_by_id, create_user
from features.users.models import UserCreateInternal
from kernel.db.tables import now
from kernel.resources import Resources

served = pytest.importorskip("infra.drills.fuzzing").served
client_from = pytest.importorskip("infra.drills.login_attack").client_from

SECONDS = 10.0
GUESSERS = 8  # addresses
BOUND = 3.0  # seconds that a reset takes meanwhile, its bcrypt included
NEW = "an unguessed pass phrase"


async def guess(api: str, address: str, until: float, statuses: Counter[tuple[str, int]]) -> None:
    """Try links and ask for links, one after the other."""
    async with client_from(address, api) as client:
        while time.monotonic() < until:
            for path, body in (
                ("reset", {"token": token_urlsafe(32), "password": NEW}),
                ("forgot", {"email": "ada@example.com"}),
            ):
                answer = await client.post(f"/api/v1/password/{path}", json=body)
                statuses[path, answer.status_code] += 1


async def make_link(resources: Resources) -> tuple[int, str]:
    """Ada's account, and the token of a link that was mailed to her."""
    ada = UserCreateInternal(
        name="Ada", username="ada", email="ada@example.com", hashed_password="-" * 60
    )
    token = token_urlsafe(32)
    async with resources.unit() as db:
        user_id = await create_user(db, ada)
        db.add(
            EmailLink(
                purpose=RESET,
                subject_id=user_id,
                email=ada.email,
                token_hash=hash_of(token),
                expires_at=now() + timedelta(hours=1),
            )
        )
    return user_id, token


@pytest.mark.drill
async def test_the_owner_resets_a_password_while_others_guess(
    setting_values: dict[str, str], redis_url: str, resources: Resources, tmp_path: Path
) -> None:
    user_id, token = await make_link(resources)
    statuses = Counter[tuple[str, int]]()
    values = {**setting_values, **SETTINGS, "EMAIL_LINK_LIMIT": "5", "PASSWORD_HASH_COST": "12"}
    with served(values, tmp_path) as api:
        until = time.monotonic() + SECONDS
        guessers = [
            asyncio.create_task(guess(api, f"127.0.3.{number + 1}", until, statuses))
            for number in range(GUESSERS)
        ]
        await asyncio.sleep(SECONDS / 2)
        async with client_from("127.0.4.1", api) as owner:
            began = time.monotonic()
            body = {"token": token, "password": NEW}
            answer: httpx2.Response = await owner.post("/api/v1/password/reset", json=body)
            took = time.monotonic() - began
        await asyncio.gather(*guessers)

    async with resources.unit() as db:
        account = await account_by_id.one(db, user_id=user_id)
    print(f"\n{sum(statuses.values())} attempts: {dict(statuses)}; the owner's took {took:.2f} s")
    assert answer.status_code == 200
    assert took < BOUND
    assert account is not None
    assert account.version == 2, "the owner's change was the only one"
    assert statuses["reset", 200] == 0
    assert statuses["reset", 400] <= 50 * GUESSERS
    assert statuses["forgot", 202] == 5
    assert {status for _, status in statuses} == {202, 400, 429}
