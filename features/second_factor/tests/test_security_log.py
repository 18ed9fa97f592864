"""What is tried with factors stands in the security log, and no secret does."""

from typing import Any

import pytest

from features.auth import security_log
from features.second_factor.tests.factories import add_passkey, set_up_app, ticket_of
from tests.accounts import PASSWORD, Person

V1 = "/api/v1"


class Lines:
    """Takes the security log's place."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def info(self, event: str, **facts: Any) -> None:
        self.said.append({"event": event, **facts})


async def test_all_that_happens_is_said_and_no_secret_is(
    user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines()
    monkeypatch.setattr(security_log, "log", lines)
    phone, codes = await set_up_app(user)
    key, _ = await add_passkey(user)
    ticket = await ticket_of(user, "user1", PASSWORD)
    code = phone.code()
    for given in ("000000", code):
        await user.post(f"{V1}/login/factor", json={"ticket": ticket, "code": given})
    options = (await user.post(f"{V1}/login/passkey/options")).json()
    key.origin = "https://evil.example"
    await user.post(f"{V1}/login/passkey", json={"passkey": key.sign(options)})
    user.use(
        await user.post(
            f"{V1}/login/factor",
            json={"ticket": await ticket_of(user, "user1", PASSWORD), "code": codes[0]},
        )
    )
    await user.post(f"{V1}/second_factor/recovery_codes")
    await user.delete(f"{V1}/second_factor/totp")

    said = [line["event"] for line in lines.said]
    for event in (
        "factor added",
        "factor asked for",
        "factor refused",
        "recovery code used",
        "recovery codes renewed",
        "factor removed",
        "login",
    ):
        assert event in said
    refused = [line for line in lines.said if line["event"] == "factor refused"]
    assert [line["what"] for line in refused] == ["code", "passkey"]
    text = repr(lines.said)
    for secret in (phone.secret, code, ticket, PASSWORD, *codes):
        assert secret not in text
