"""A provider that lies, is slow or away: one answer, whatever is wrong, and no session."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from joserfc import jwt
from starlette.responses import JSONResponse, RedirectResponse, Response

from features.sign_in.provider import provider_of
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import (
    CLIENT,
    Claims,
    Provider,
    ec_key,
    rsa_key,
)
from features.sign_in.tests.signing_in import (
    START,
    address_of,
    browser,
    changed,
    sign_in,
    signed_in,
)
from kernel.app import Application
from tests.accounts import refusal
from tests.application import ApplicationFactory

REFUSED = (400, "The sign-in could not be completed; begin it again.")
AWAY = (503, "The provider of this sign-in can't be reached at the moment; try again shortly.")
OTHER = rsa_key("first")
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


async def refuses(app: Application, provider: Provider, expected: tuple[int, str]) -> None:
    """Hold a sign-in to that answer."""
    async with browser(app) as person:
        answer = await sign_in(person, provider)
        session = await person.refresh()

    assert refusal(answer) == expected
    assert session.status_code == 401
    if expected == AWAY:
        assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": "another client", "azp": CLIENT},
        {"aud": ["another client"]},
        {"aud": [CLIENT, "another client"]},
        {"aud": [CLIENT, "another client"], "azp": "another client"},
        {"aud": None},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"nonce": ""},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"exp": "soon"},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"auth_time": "yesterday"},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(
    app: Application, provider: Provider, claims: Claims
) -> None:
    provider.lies.claims = claims

    await refuses(app, provider, REFUSED)


def written(header: Claims, claims: Claims, secret: bytes | None = None) -> str:
    """A token past joserfc, which makes neither of these."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    signature = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


def unsigned(claims: Claims) -> str:
    return written({"alg": "none"}, claims)


def by_public_key(provider: Provider) -> Callable[[Claims], str]:
    """HS256 with the public key for a secret: RFC 8725, section 2.1."""
    secret = provider.key.as_pem(private=False)
    return lambda claims: written({"alg": "HS256", "kid": "first"}, claims, secret)


@pytest.mark.parametrize(
    "lie", ["none", "HS256", "another key", "no token", "garbage", "altered", "RS512"]
)
async def test_a_token_that_no_key_of_the_provider_has_signed_is_refused(
    app: Application, provider: Provider, lie: str
) -> None:
    def altered(claims: Claims) -> str:
        head, body, signature = jwt.encode({"alg": "RS256"}, claims, provider.key).split(".")
        return f"{head}.{body[:-2]}AA.{signature}"

    signers: dict[str, Callable[[Claims], Any]] = {
        "none": unsigned,
        "HS256": by_public_key(provider),
        "another key": lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, OTHER),
        "no token": lambda claims: None,
        "garbage": lambda claims: "a.b.c",
        "altered": altered,
        # By a key of its own, and none of the algorithms that it has told.
        "RS512": lambda claims: jwt.encode({"alg": "RS512"}, claims, provider.key, ["RS512"]),
    }
    provider.lies.sign = signers[lie]

    await refuses(app, provider, REFUSED)


async def test_algorithms_by_a_shared_secret_are_not_taken_from_the_metadata(
    app: Application, provider: Provider
) -> None:
    provider.lies.metadata["id_token_signing_alg_values_supported"] = ["none", "HS256", 5]
    provider.lies.sign = by_public_key(provider)

    await refuses(app, provider, REFUSED)


async def test_userinfo_of_another_person_is_refused(app: Application, provider: Provider) -> None:
    provider.in_id_token = False
    provider.lies.userinfo["sub"] = "another"

    await refuses(app, provider, REFUSED)


def huge() -> Response:
    return Response(b" " * 300_000, media_type="application/json")


BAD_ANSWERS: dict[str, Callable[[], Response]] = {
    "huge": huge,
    "redirect": lambda: RedirectResponse("http://127.0.0.1:1/"),
    "500": lambda: Response(status_code=500),
    "no JSON": lambda: Response("<html>"),
    "a list": lambda: JSONResponse([]),
    "deep": lambda: Response("[" * 200_000, media_type="application/json"),
    "compressed": lambda: Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_what_is_no_providers_answer_counts_as_its_absence(
    app: Application, provider: Provider, path: str, answer: str
) -> None:
    provider.lies.answers[path] = BAD_ANSWERS[answer]

    if path == "/token":
        await refuses(app, provider, AWAY)
        return
    async with browser(app) as person:
        began = await person.get(START)
    assert refusal(began) == AWAY


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"error": ["invalid_grant"]}', REFUSED),
        ('{"error": {}, "error_description": 5}', REFUSED),
        ('{"error": "invalid_client"}', AWAY),
        ('{"expires_in": 1e999}', AWAY),
        ('{"expires_in": "soon"}', AWAY),
        ("{}", REFUSED),
        ('{"id_token": 5, "access_token": 5}', REFUSED),
        ('{"id_token": "\\ud800", "access_token": "a"}', REFUSED),
    ],
)
async def test_a_token_answer_of_another_kind_is_refused(
    app: Application, provider: Provider, answer: str, expected: tuple[int, str]
) -> None:
    provider.lies.answers["/token"] = lambda: Response(answer, media_type="application/json")

    await refuses(app, provider, expected)


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": 5},
    ],
    ids=str,
)
async def test_a_discovery_document_of_another_kind_is_refused(
    app: Application, provider: Provider, lie: Claims
) -> None:
    provider.lies.metadata = lie

    async with browser(app) as person:
        answer = await person.get(START)

    assert refusal(answer) == AWAY


async def test_a_slow_provider_is_given_up(app: Application, provider: Provider) -> None:
    provider.lies.delay["/token"] = 1.3
    began = time.monotonic()

    await refuses(app, provider, AWAY)

    assert time.monotonic() - began < 3


async def test_a_provider_that_is_away_is_left_alone_for_a_while(
    app: Application, provider: Provider
) -> None:
    with changed(app, SignInSettings, sign_in_issuer="http://127.0.0.1:9"):
        async with browser(app) as person:
            first = await person.get(START)
            again = await person.get(START)
            page = await person.get(START, headers={"Accept": "text/html"})

    assert refusal(first) == refusal(again) == AWAY
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "can&#39;t be reached" in page.text


async def test_what_a_provider_has_said_is_good_while_it_is_away(
    app: Application, provider: Provider
) -> None:
    await signed_in(app, provider)
    values = app.state.resources.settings.group(SignInSettings)
    known = provider_of(values.providers["sso"], values.sign_in_timeout)
    known._asked_at = float("-inf")
    provider.lies.answers[DISCOVERY] = BAD_ANSWERS["500"]

    await signed_in(app, provider)


async def test_a_secret_that_the_provider_does_not_know_is_told_in_the_log(
    app: Application, provider: Provider
) -> None:
    with changed(app, SignInSettings, sign_in_client_secret="another"):
        await refuses(app, provider, AWAY)


@pytest.mark.parametrize("has_kid", [True, False])
async def test_new_keys_are_fetched(app: Application, provider: Provider, has_kid: bool) -> None:
    provider.has_kid = has_kid
    await signed_in(app, provider)
    provider.key = rsa_key("second" if has_kid else "first")

    await signed_in(app, provider)
    await signed_in(app, provider)

    assert provider.seen.count("/keys") == 2


async def test_keys_and_algorithms_of_other_kinds_are_taken_as_the_provider_says(
    app: Application, provider: Provider
) -> None:
    provider.lies.metadata["id_token_signing_alg_values_supported"] = ["ES256"]
    provider.key, provider.algorithm = ec_key("elliptic"), "ES256"  # type: ignore[assignment]
    try:
        await signed_in(app, provider)
    finally:
        provider.algorithm = "RS256"


@pytest.mark.parametrize(("seconds", "status"), [(-45, 200), (45, 200), (-200, 400), (200, 400)])
async def test_a_clock_may_differ_by_a_minute(
    app: Application, provider: Provider, seconds: int, status: int
) -> None:
    moment = int(time.time()) + seconds
    provider.lies.claims = {"iat": moment, "nbf": moment, "exp": moment + 10}

    async with browser(app) as person:
        answer = await person.get(provider.visit(await address_of(person)))

    assert answer.status_code == status
