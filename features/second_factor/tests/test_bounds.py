"""What an authenticator says is bounded, and so is how often it is asked."""

from typing import Any

import pytest

from features.second_factor.tests.authenticator import Authenticator, b64
from features.second_factor.tests.factories import V1, add_passkey, ticket_of
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory, client_of

NEW = f"{V1}/second_factor/passkey"
BAD = (422, "This passkey can't be added.")


async def make(user: Person, key: Authenticator) -> dict[str, Any]:
    return key.make((await user.post(f"{NEW}_options")).json())


async def test_the_longest_id_of_the_standard_is_kept_and_works(user: Person) -> None:
    key, _ = await add_passkey(user, Authenticator(credential_id=b"\x01" * 1023))
    options = (await user.post(f"{V1}/login/passkey/options")).json()

    answer = await user.post(f"{V1}/login/passkey", json={"passkey": key.sign(options)})

    assert answer.status_code == 200


@pytest.mark.parametrize("length", [1024, 4000, 30_000])
async def test_a_longer_id_is_refused_whatever_is_written_beside_it(
    user: Person, length: int
) -> None:
    credential = await make(user, Authenticator(credential_id=b"\x01" * length))
    credential["id"] = credential["rawId"] = b64(b"\x01" * 1023)

    assert refusal(await user.post(NEW, json={"name": "x", "credential": credential})) == BAD


async def test_an_id_that_is_another_one_than_the_authenticators_is_refused(user: Person) -> None:
    credential = await make(user, Authenticator())
    credential["id"] = credential["rawId"] = b64(b"another")

    assert refusal(await user.post(NEW, json={"name": "x", "credential": credential})) == BAD


async def test_a_public_key_with_more_in_it_than_a_key_is_refused(user: Person) -> None:
    credential = await make(user, Authenticator(padding=b"\x01" * 3000))

    assert refusal(await user.post(NEW, json={"name": "x", "credential": credential})) == BAD


async def test_who_asks_over_and_over_by_one_ticket_is_stopped(
    user: Person, make_app: ApplicationFactory
) -> None:
    await add_passkey(user)
    async with make_app(LOGIN_FAILURE_LIMIT="2") as app, client_of(app) as client:
        body = {"ticket": await ticket_of(client, user.username, user.password)}
        path = f"{V1}/login/factor/options"
        statuses = [(await client.post(path, json=body)).status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]
