"""How much longer an answer takes for one kind of address than for another."""

import random
import statistics
import time
from collections.abc import Callable, Mapping

import httpx2

from features.users.crud import create_user
from features.users.models import UserCreateInternal
from kernel.config import Settings
from kernel.resources import opened

TRIES = 200
ACCOUNTS = 100
MOST = 1.15  # of the medians
SERIES = 3
SETTINGS = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "9",
    "SMTP_SECURITY": "none",
    "SMTP_FROM": "app@example.com",
    "EMAIL_LINK_LIMIT": "1000",
    "REGISTRATION_LIMIT": "10000",
}
Call = Callable[[str], httpx2.Response]


async def make_accounts(values: Mapping[str, str]) -> None:
    """Accounts whose addresses are known ones."""
    async with opened(Settings(values), "drill") as resources, resources.unit() as db:
        for number in range(ACCOUNTS):
            name = f"known{number}"
            email, hashed = f"{name}@example.com", "-" * 60
            await create_user(
                db,
                UserCreateInternal(name=name, username=name, email=email, hashed_password=hashed),
            )


def ratio(call: Call) -> float:
    """The larger of the two medians by the smaller one, of the closest of at most three series:
    what slows the machine makes a difference, and a real one shows in each."""
    lowest = float("inf")
    for series in range(SERIES):
        lowest = min(lowest, _ratio(call, series))
        if lowest < MOST:
            break
    return lowest


def _ratio(call: Call, series: int) -> float:
    """They are asked in a mixed order, so that whatever slows the machine slows both."""
    taken: dict[str, list[float]] = {"known": [], f"unknown{series}x": []}
    asked = [(kind, number % ACCOUNTS) for kind in taken for number in range(TRIES)]
    random.Random(7).shuffle(asked)  # noqa: S311 - an order, no secret
    for kind, number in asked:
        email = f"{kind}{number}@example.com"
        started = time.perf_counter()
        answer = call(email)
        taken[kind].append(time.perf_counter() - started)
        assert answer.is_success, answer.text
    medians = [statistics.median(times) * 1000 for times in taken.values()]
    print(f"known {medians[0]:.2f} ms, unknown {medians[1]:.2f} ms")
    return max(medians) / min(medians)
