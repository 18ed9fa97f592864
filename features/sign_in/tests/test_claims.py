"""Whatever JSON a provider signs or shows, it is read or refused, and nothing breaks."""

import math
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from features.sign_in.id_tokens import BadToken, algorithms_of, keys_of, verified
from features.sign_in.profiles import name_of, verified_email
from features.sign_in.router.accounts import _shown_at
from features.users.models import MAX_NAME

KEY = ECKey.generate_key("P-256", {"kid": "k"})
SHOWN = KEY.as_dict(private=False)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
EXPECTED: dict[str, Any] = {
    "issuer": "https://a.example",
    "client_id": "client",
    "nonce": "nonce",
    "access_token": "token",
}
NAMES = ("iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "amr", "at_hash", "auth_time")
PROFILE = ("name", "given_name", "family_name", "preferred_username", "nickname", "email")


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), json))
def test_claims_of_any_kind_are_good_or_refused(changes: dict[str, Any]) -> None:
    moment = int(time.time())
    good = {"iss": "https://a.example", "sub": "1", "aud": "client", "nonce": "nonce"}
    claims = {**good, "iat": moment, "exp": moment + 60, **changes}
    token = jwt.encode({"alg": "ES256"}, claims, KEY)

    try:
        found = verified(token, keys_of({"keys": [SHOWN]}), ["ES256"], **EXPECTED)
    except BadToken:
        return

    assert found["iss"] == "https://a.example"
    assert found["aud"] == "client" or "client" in found["aud"]
    assert found["nonce"] == "nonce"
    assert moment - 61 < found["exp"] < math.inf
    assert isinstance(found["sub"], str)


@settings(max_examples=80, deadline=None)
@given(json, st.dictionaries(st.sampled_from(sorted(SHOWN)), json))
def test_key_sets_of_any_kind_are_read(other: Any, changes: dict[str, Any]) -> None:
    assert keys_of({"keys": other}) == []
    assert len(keys_of({"keys": [other, {**SHOWN, **changes}, SHOWN]})) in (1, 2)
    assert algorithms_of({"id_token_signing_alg_values_supported": other}) in ([], ["RS256"])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from((*PROFILE, "email_verified", "auth_time")), json))
def test_profiles_of_any_kind_are_read(claims: dict[str, Any]) -> None:
    assert 2 <= len(name_of(claims)) <= MAX_NAME
    assert verified_email(claims) is None
    moment = _shown_at(claims)
    assert moment is None or 0 < moment.timestamp() <= time.time()
