"""Access and refresh tokens: JWTs that name a user and a session by id, and their own kind."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from uuid import uuid4

from jose import jwt
from jose.exceptions import JOSEError
from jose.utils import base64url_decode, base64url_encode

from features.auth.settings import AuthSettings
from kernel.settings import SecretSettings, Settings

MAX_LENGTH = 1024  # ours have about 300 characters
REMEMBERED = 4096
_FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_REQUIRED = {f"require_{claim}": True for claim in ("sub", "jti", "iat", "exp")}


class Kind(StrEnum):
    """What a token is for; one kind is refused in the other's place."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Moments are seconds since 1970."""

    user_id: int
    session_id: int
    jti: str
    issued_at: int
    expires_at: int
    kind: str


def new_jti() -> str:
    """A name that no other token has."""
    return uuid4().hex


class Signer:
    """Writes and reads tokens with one key and one algorithm.

    Whether the session still lives is not asked here. A signature that was found good is
    remembered, since verifying costs more than everything else about an authenticated request.
    """

    def __init__(self, key: bytes, algorithm: str) -> None:
        self._key, self._algorithm = key, algorithm
        self._verified: dict[str, Claims] = {}

    def write(self, claims: Claims) -> str:
        """The token; the same claims give the same bytes."""
        payload = {
            "sub": str(claims.user_id),
            "sid": claims.session_id,
            "jti": claims.jti,
            "iat": claims.issued_at,
            "exp": claims.expires_at,
            "kind": str(claims.kind),
        }
        return jwt.encode(payload, self._key, algorithm=self._algorithm)

    def read(self, token: str, kind: Kind) -> Claims | None:
        """What a token of this kind says; None for any other string, and once it has expired."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if claims is None:
                return None
            if len(self._verified) >= REMEMBERED:
                self._verified.pop(next(iter(self._verified)))
            self._verified[token] = claims
        if claims.expires_at <= time.time() or claims.kind != kind:
            return None
        return claims

    def _verify(self, token: str) -> Claims | None:
        if len(token) > MAX_LENGTH or not _FORM.fullmatch(token):
            return None
        # Base64 leaves bits over at the end: refuse other spellings of the same signature.
        signature = token.rpartition(".")[2].encode()
        try:
            if base64url_encode(base64url_decode(signature)) != signature:
                return None
            found = jwt.decode(token, self._key, algorithms=[self._algorithm], options=_REQUIRED)
            return Claims(
                int(found["sub"]),
                found["sid"],
                found["jti"],
                found["iat"],
                found["exp"],
                found["kind"],
            )
        except (JOSEError, ValueError, KeyError):
            return None


def signer(settings: Settings) -> Signer:
    """The signer of these settings."""
    return _signer(settings.group(SecretSettings).key, settings.group(AuthSettings).algorithm)


@lru_cache(maxsize=8)
def _signer(key: bytes, algorithm: str) -> Signer:
    return Signer(key, algorithm)


def seconds(moment: datetime) -> int:
    """A moment as tokens write it."""
    return int(moment.timestamp())
