"""Forged, altered, swapped and expired tokens."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from jose import jwe
from jose.constants import ALGORITHMS
from pydantic import ValidationError

from features.auth.settings import AuthSettings
from features.auth.tokens import Claims, Kind, Signer
from kernel.config.loader import Settings
from tests.accounts import Person, refusal
from tests.application import SECRET_KEY

REFUSED = (401, "User not authenticated.")


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(
    header: dict[str, Any], claims: Any, key: bytes = SECRET_KEY.encode(), digest: str = "sha256"
) -> str:
    """A token signed by hand, with HMAC."""
    text = f"{encoded(header)}.{encoded(claims)}"
    signature = hmac.digest(key, text.encode(), digest)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


async def status(person: Person, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    answer = await person.get("/api/v1/user/me/", headers=headers)
    if answer.status_code != 200:
        assert refusal(answer) == REFUSED
    return answer.status_code


HS256 = {"alg": "HS256", "typ": "JWT"}


async def test_a_token_names_user_and_session_by_id_and_its_kind(user: Person) -> None:
    access, refresh = claims_of(user.token), claims_of(user.cookies["refresh_token"])

    assert access.keys() == refresh.keys() == {"sub", "sid", "jti", "iat", "exp", "kind"}
    assert access["sub"] == refresh["sub"] == str(user.id)
    assert (access["kind"], refresh["kind"]) == ("access", "refresh")
    assert access["sid"] == refresh["sid"]
    assert access["jti"] != refresh["jti"]
    assert access["exp"] - access["iat"] == 30 * 60
    assert refresh["exp"] - refresh["iat"] == 7 * 24 * 60 * 60


async def test_the_hand_made_token_is_good_so_the_forgeries_below_can_fail(user: Person) -> None:
    assert await status(user, forged(HS256, claims_of(user.token))) == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None])
@pytest.mark.parametrize("signature", ["", "keep"])
async def test_an_unsigned_token_is_refused(
    user: Person, algorithm: str | None, signature: str
) -> None:
    _, payload, own = user.token.split(".")
    header = encoded({"alg": algorithm, "typ": "JWT"})

    assert await status(user, f"{header}.{payload}.{own if signature else ''}") == 401


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256"), ("ES256", "sha256")],
)
async def test_another_algorithm_is_refused_with_the_right_key(
    user: Person, algorithm: str, digest: str
) -> None:
    token = forged({"alg": algorithm, "typ": "JWT"}, claims_of(user.token), digest=digest)

    assert await status(user, token) == 401


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_only_the_algorithm_of_the_settings_is_read_whatever_the_header_says(
    algorithm: str,
) -> None:
    key, soon = b"k" * 32, int(time.time()) + 60
    signer = Signer((key,), algorithm)
    claims = claims_of(signer.write(Claims(1, 1, "jti", 0, soon, Kind.ACCESS)))

    read = {
        (named, digest): signer.read(forged({"alg": named}, claims, key, digest), Kind.ACCESS)
        for named in sorted({*ALGORITHMS.SUPPORTED, "HS1", "none", algorithm.lower()})
        for digest in ("sha256", "sha384", "sha512")
    }
    good = [how for how, found in read.items() if found is not None]
    assert good == [(algorithm, f"sha{algorithm[2:]}")]

    sealed = jwe.encrypt(json.dumps(claims), key, encryption="A256GCM", algorithm="dir")
    assert jwe.decrypt(sealed, key) == json.dumps(claims).encode()
    assert signer.read(sealed.decode(), Kind.ACCESS) is None


@pytest.mark.parametrize("algorithm", ["none", "RS256", "ES256", "dir", "hs256"])
def test_settings_name_no_other_algorithm(algorithm: str) -> None:
    with pytest.raises(ValidationError, match="should be 'HS256', 'HS384' or 'HS512'"):
        Settings({"ALGORITHM": algorithm}).group(AuthSettings)


@pytest.mark.parametrize("key", [b"", b"secret", SECRET_KEY[:-1].encode(), b"\x00" * 32])
async def test_another_key_is_refused(user: Person, key: bytes) -> None:
    assert await status(user, forged(HS256, claims_of(user.token), key=key)) == 401


async def test_a_key_in_the_header_is_not_believed(user: Person) -> None:
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode()}
    header = {**HS256, "jwk": jwk, "kid": "../../dev/null", "jku": "https://evil.example/k"}

    assert await status(user, forged(header, claims_of(user.token), key=b"k" * 32)) == 401


async def test_no_altered_character_is_overlooked(user: Person) -> None:
    token = user.token
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    for position in [*range(0, len(token), 7), *range(len(token) - 4, len(token))]:
        if token[position] != ".":
            other = alphabet[(alphabet.index(token[position]) + 1) % 64]
            assert await status(user, token[:position] + other + token[position + 1 :]) == 401
    for altered in (token + "A", token + "=", token[:-1], token + ".", "." + token, token + " x"):
        assert await status(user, altered) == 401


async def test_parts_of_two_tokens_dont_mix(user: Person, other: Person) -> None:
    header, _, signature = user.token.split(".")
    _, payload, _ = other.token.split(".")

    assert await status(user, f"{header}.{payload}.{signature}") == 401


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "999999"},
        {"sub": 1},
        {"sub": "user1"},
        {"sub": None},
        {"sub": "1 OR 1=1"},
        {"sub": "9" * 30},
        {"sub": "٣"},
        {"sid": 999_999},
        {"sid": "1"},
        {"sid": 10**30},
        {"sid": None},
        {"sid": True},
        {"exp": 1},
        {"exp": "never"},
        {"exp": None},
        {"exp": 1e400},
        {"iat": "x"},
        {"jti": None},
        {"kind": "refresh"},
        {"kind": None},
        {"nbf": 2**40},
    ],
)
async def test_claims_that_make_no_sense_are_refused_even_when_signed(
    user: Person, change: dict[str, Any]
) -> None:
    assert await status(user, forged(HS256, {**claims_of(user.token), **change})) == 401


@pytest.mark.parametrize("claim", ["sub", "sid", "jti", "iat", "exp", "kind"])
async def test_no_claim_may_be_missing(user: Person, claim: str) -> None:
    claims = claims_of(user.token)
    del claims[claim]

    assert await status(user, forged(HS256, claims)) == 401


@pytest.mark.parametrize("claims", [[], "text", 7, None])
async def test_claims_are_an_object(user: Person, claims: Any) -> None:
    assert await status(user, forged(HS256, claims)) == 401


async def test_the_session_of_another_user_is_refused(user: Person, other: Person) -> None:
    claims = {**claims_of(user.token), "sid": claims_of(other.token)["sid"]}

    assert await status(user, forged(HS256, claims)) == 401


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(user: Person, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {user.token}"}

    assert (await user.get("/api/v1/user/me/", headers=headers)).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Token x", "bearer"])
async def test_without_a_bearer_token_one_is_not_authenticated(user: Person, header: str) -> None:
    answer = await user.get("/api/v1/user/me/", headers={"Authorization": header})

    assert refusal(answer) == (401, "Not authenticated")


def test_a_remembered_signature_doesnt_outlive_its_token() -> None:
    signer = Signer((b"k" * 32,), "HS256")
    now = int(time.time())
    token = signer.write(Claims(1, 1, "j", now, now + 1, Kind.ACCESS))
    assert signer.read(token, Kind.ACCESS) is not None

    time.sleep(1.1)

    assert signer.read(token, Kind.ACCESS) is None


def test_the_same_claims_are_the_same_bytes() -> None:
    claims = Claims(1, 2, "j", 3, 4, Kind.REFRESH)

    tokens = {Signer((b"k" * 32,), "HS512").write(claims) for _ in range(3)}

    assert len(tokens) == 1
    assert hashlib.sha512().digest_size == len(
        base64.urlsafe_b64decode(f"{tokens.pop().split('.')[2]}==")
    )
