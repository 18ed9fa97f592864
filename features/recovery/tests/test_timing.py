"""The drill of time: how long an answer takes says nothing of who has an account."""

from pathlib import Path

import httpx2
import pytest

from features.emails.tests.timing import MOST, SETTINGS, make_accounts, ratio

served = pytest.importorskip("infra.drills.fuzzing").served


@pytest.mark.drill
async def test_asking_for_a_new_password_takes_as_long_for_an_unknown_address(
    setting_values: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    values = {**setting_values, **SETTINGS}
    await make_accounts(values)
    with served(values, tmp_path) as api, httpx2.Client(base_url=f"{api}/api/v1") as client:

        def forgot(email: str) -> httpx2.Response:
            return client.post("/password/forgot", json={"email": email})

        assert ratio(forgot) < MOST
