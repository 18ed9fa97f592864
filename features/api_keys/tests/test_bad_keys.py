"""Bad keys: altered, guessed, expired, of any form: a clear 401, counted, and no error."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import httpx2
import pytest

from features.api_keys.key_text import DIGITS, KeyTexts, _checksum
from features.api_keys.permissions import callers
from features.api_keys.tests.factories import add_key, make_key, program
from kernel.app import Application
from kernel.db import now
from tests.accounts import Person, refusal
from tests.application import SECRET_KEY, ApplicationFactory, client_of

ME = "/api/v1/user/me/"
NOT_VALID = (401, "This API key is not valid.")
EXPIRED = (401, "This API key has expired.")


async def me(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    return await client.get(
        ME, headers={name.replace("_", "-"): it for name, it in headers.items()}
    )


async def test_two_credentials_that_differ_are_refused(
    client: httpx2.AsyncClient, user: Person
) -> None:
    first, second = [(await make_key(user))["key"] for _ in range(2)]

    answers = [
        await me(client, Authorization=f"Bearer {first}", X_API_Key=second),
        await me(client, Authorization=f"Bearer {user.token}", X_API_Key=first),
        await me(client, Authorization="Bearer nonsense", X_API_Key=first),
        await client.get(ME, headers=[("X-API-Key", first), ("X-API-Key", second)]),
    ]

    one = (401, "Send one credential: in Authorization or in X-API-Key.")
    assert [refusal(answer) for answer in answers] == [one] * 4


TEXTS = KeyTexts((SECRET_KEY.encode(),))


def altered(key: str) -> str:
    """The key with another secret, and the checksum that this has."""
    begun = key[:17] + TEXTS.make("sk", 1)[0][17:60]
    return begun + _checksum(begun)


def foreign(key: str) -> str:
    """A key that was never given out, of the same user."""
    known = TEXTS.read(key)
    assert known is not None
    return TEXTS.make("sk", known.user_id)[0]


def misspelt(key: str) -> str:
    return key[:-1] + DIGITS.replace(key[-1], "")[0]


@pytest.mark.parametrize("change", [altered, foreign, misspelt, str.upper, lambda key: key[:-1]])
async def test_a_key_that_is_not_ours_is_refused(
    app: Application, user: Person, change: Callable[[str], str]
) -> None:
    key = (await make_key(user))["key"]

    async with program(app, change(key)) as client:
        answer = await client.get(ME)

        assert refusal(answer) == NOT_VALID
        assert answer.headers["www-authenticate"] == "Bearer"
        # As a bad token does, it counts as none where no caller is needed.
        assert (await client.get(f"/api/v1/user/{user.username}")).json()["email"] is None


@pytest.mark.parametrize(
    "sent",
    [b"", b" ", b"\xff\xfe", b"sk_" * 5000, b"sk_" + b"0" * 14 + b"_" + b"0" * 49, b"a.b.c", b"*"],
)
async def test_nothing_that_is_sent_in_place_of_a_key_makes_an_error(
    client: httpx2.AsyncClient, sent: bytes
) -> None:
    by_header = await client.get(ME, headers=[(b"X-API-Key", sent)])
    by_bearer = await client.get(ME, headers=[(b"Authorization", b"Bearer " + sent)])

    assert refusal(by_header) == NOT_VALID
    assert by_bearer.status_code == 401


async def test_a_key_under_a_word_of_any_length_is_none(app: Application, user: Person) -> None:
    long, _ = TEXTS.make("s" * 17, user.id)

    async with program(app, long) as client:
        assert TEXTS.read(long) is None
        assert refusal(await client.get(ME)) == NOT_VALID


async def test_a_network_that_sends_bad_keys_is_throttled_and_its_good_keys_go_on(
    make_app: ApplicationFactory, user: Person
) -> None:
    key = (await make_key(user))["key"]
    async with make_app(API_KEY_FAILURE_LIMIT="3") as app, client_of(app) as client:
        answers = [await me(client, X_API_Key=foreign(key)) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await me(client, X_API_Key=key)).status_code == 200
        async with client_of(app, address="203.0.113.7") as elsewhere:
            assert (await me(elsewhere, X_API_Key=foreign(key))).status_code == 401


async def test_a_key_expires(
    app: Application, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = now() + timedelta(minutes=5)
    _, key = await add_key(app, user.id, "*", expires_at=expires_at)
    async with program(app, key) as client:
        assert (await client.get(ME)).status_code == 200

        monkeypatch.setattr(callers, "time", SimpleNamespace(time=expires_at.timestamp))

        assert refusal(await client.get(ME)) == EXPIRED
