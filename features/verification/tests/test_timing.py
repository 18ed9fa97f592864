"""The drill of time: how long registering takes says nothing of who has an account."""

from itertools import count
from pathlib import Path

import httpx2
import pytest

from features.emails.tests.timing import MOST, SETTINGS, make_accounts, ratio

served = pytest.importorskip("infra.drills.fuzzing").served

PASSWORD = "correct horse battery"
numbers = count()


@pytest.mark.drill
async def test_registering_takes_as_long_for_a_taken_address(
    setting_values: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    values = {
        **setting_values,
        **SETTINGS,
        "REGISTRATION_PRIVACY": "true",
        "REQUIRE_VERIFIED_EMAIL": "writes",
    }
    await make_accounts(values)
    with served(values, tmp_path) as api, httpx2.Client(base_url=f"{api}/api/v1") as client:

        def register(email: str) -> httpx2.Response:
            username = f"user{next(numbers)}"
            body = {"name": "Ada", "username": username, "email": email, "password": PASSWORD}
            return client.post("/user", json=body)

        def ask(email: str) -> httpx2.Response:
            return client.post("/email/verification", json={"email": email})

        assert ratio(register) < MOST
        assert ratio(ask) < MOST
