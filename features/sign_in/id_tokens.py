"""ID tokens: by a key of the provider's, for this sign-in of ours, of this moment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

LEEWAY = 60  # seconds that a provider's clock may differ from ours
MAX_KEYS = 20
# Those with a public key only: a provider whose key set names a shared secret, or a token that
# takes a public key for one, is no provider.
ALGORITHMS = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    }
)
KINDS = ("RSA", "EC", "OKP")
Key = RSAKey | ECKey | OKPKey


class BadToken(Exception):
    """An ID token that isn't good; `args` say why, for the log."""


class UnknownKey(BadToken):
    """No key that is at hand has signed it; the provider has new ones, perhaps."""


def keys_of(key_set: Mapping[str, Any]) -> list[Key]:
    """The keys of a set (RFC 7517) that may sign; those of kinds that are unknown are passed over.

    One by one: joserfc refuses a whole set for one unknown curve.
    """
    found: list[Key] = []
    for one in _listed(key_set, "keys")[:MAX_KEYS]:
        stated = cast(dict[str, Any], one) if isinstance(one, dict) else {}
        if stated.get("kty") not in KINDS or stated.get("use") == "enc":
            continue
        try:
            key = import_key(stated)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(key, Key):
            found.append(key)
    return found


def algorithms_of(metadata: Mapping[str, Any]) -> list[str]:
    """By which algorithms the provider says that it signs; RS256 where it doesn't say."""
    named: list[object] = _listed(metadata, "id_token_signing_alg_values_supported") or ["RS256"]
    return [one for one in named if isinstance(one, str) and one in ALGORITHMS]


def _listed(said: Mapping[str, Any], name: str) -> list[object]:
    """What a provider says under that name, if it is a list."""
    given = said.get(name)
    return cast(list[object], given) if isinstance(given, list) else []


def verified(
    token: str,
    keys: Iterable[Key],
    algorithms: Sequence[str],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
) -> CodeIDToken:
    """The claims of a token that is good (OpenID Connect Core 1.0, section 3.1.3.7).

    Raises UnknownKey, and BadToken for all else that is wrong.
    """
    decoded = _decoded(token, keys, algorithms)
    # Each is named: without options authlib asks neither for the issuer nor for the audience.
    options: Any = {
        "iss": {"essential": True, "values": [issuer]},
        "aud": {"essential": True, "values": [client_id]},
        "nonce": {"essential": True, "value": nonce},
    }
    params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    try:
        claims: Any = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken(str(error)[:100]) from error
    return claims


def _decoded(token: str, keys: Iterable[Key], algorithms: Sequence[str]) -> jwt.Token:
    if not algorithms:
        raise BadToken("no algorithm that is known")
    registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
    # Each key is tried, whatever the token's header says of it: many sets name no `kid`.
    for key in keys:
        try:
            return jwt.decode(token, key, registry=registry)
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    raise UnknownKey("signature")
