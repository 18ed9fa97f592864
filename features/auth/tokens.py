"""Access and refresh tokens: JWTs that name a user and a session by id, and their own kind."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from uuid import uuid4

from jose import jwt
from jose.exceptions import JOSEError
from jose.utils import base64url_decode, base64url_encode
from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.auth.settings import AuthSettings
from kernel.config import SecretSettings, Settings
from kernel.schemas import MAX_ROW_ID, RowId

MAX_LENGTH = 1024  # ours have about 300 characters
REMEMBERED = 4096
_FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Kind(StrEnum):
    """What a token is for; one kind is refused in the other's place."""

    ACCESS = "access"
    REFRESH = "refresh"
    DEVICE = "device"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Moments are seconds since 1970."""

    user_id: int
    session_id: int
    jti: str
    issued_at: int
    expires_at: int
    kind: str


class _Payload(BaseModel):
    """The claims as they stand in a token; each must be there, and of its very type."""

    model_config = ConfigDict(strict=True)

    sub: Annotated[str, Field(pattern="^[0-9]{1,10}$")]
    sid: RowId
    jti: Annotated[str, Field(max_length=64)]
    iat: int
    exp: int
    kind: str

    @field_validator("sub")
    @classmethod
    def is_a_row_id(cls, sub: str) -> str:
        if int(sub) > MAX_ROW_ID:
            raise ValueError("no row has this id")
        return sub


def new_jti() -> str:
    """A name that no other token has."""
    return uuid4().hex


class Signer:
    """Writes tokens with the first of the keys, reads them with each; by one algorithm.

    Whether the session still lives is not asked here. A signature that was found good is
    remembered, since verifying costs more than everything else about an authenticated request.
    """

    def __init__(self, keys: tuple[bytes, ...], algorithm: str) -> None:
        self._keys, self._algorithm = keys, algorithm
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
        return jwt.encode(payload, self._keys[0], algorithm=self._algorithm)

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
        found = (self._verify_by(key, token) for key in self._keys)
        return next((claims for claims in found if claims is not None), None)

    def _verify_by(self, key: bytes, token: str) -> Claims | None:
        if len(token) > MAX_LENGTH or not _FORM.fullmatch(token):
            return None
        # Base64 leaves bits over at the end: refuse other spellings of the same signature.
        signature = token.rpartition(".")[2].encode()
        try:
            if base64url_encode(base64url_decode(signature)) != signature:
                return None
            found = jwt.decode(token, key, algorithms=[self._algorithm])
            said = _Payload.model_validate(found)
        except (JOSEError, ValueError, TypeError, OverflowError):
            # jose lets errors of strange but signed claims through.
            return None
        return Claims(int(said.sub), said.sid, said.jti, said.iat, said.exp, said.kind)


def signer(settings: Settings) -> Signer:
    """The signer of these settings."""
    return _signer(settings.group(SecretSettings).keys, settings.group(AuthSettings).algorithm)


@lru_cache(maxsize=8)
def _signer(keys: tuple[bytes, ...], algorithm: str) -> Signer:
    return Signer(keys, algorithm)


def seconds(moment: datetime) -> int:
    """A moment as tokens write it."""
    return int(moment.timestamp())
