"""What is kept of secrets: encrypted where they are needed again, else an HMAC.

By keys of their own, made of SECRET_KEY and of each of SECRET_KEYS_OLD.
"""

import hmac
from functools import lru_cache
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.config import SecretSettings, Settings

NONCE = 12  # bytes, as AES-GCM has them (NIST SP 800-38D)


class Sealer:
    """Encrypts with the first of the keys (AES-256-GCM), decrypts with each. What is sealed for one
    account can't be opened as another's."""

    def __init__(self, secret_keys: tuple[bytes, ...]) -> None:
        self._boxes = [AESGCM(_derived(key, b"totp secrets")) for key in secret_keys]
        self._hashing = [_derived(key, b"recovery codes") for key in secret_keys]

    def seal(self, secret: bytes, user_id: int) -> bytes:
        """The secret as it is stored."""
        nonce = token_bytes(NONCE)
        return nonce + self._boxes[0].encrypt(nonce, secret, _owner(user_id))

    def open(self, sealed: bytes, user_id: int) -> tuple[bytes, bool] | None:
        """The secret, and whether it was sealed by the key of today; None when no key opens it."""
        for number, box in enumerate(self._boxes):
            try:
                secret = box.decrypt(sealed[:NONCE], sealed[NONCE:], _owner(user_id))
            except (InvalidTag, ValueError):
                continue
            return secret, number == 0
        return None

    def hashes(self, code: str, user_id: int) -> list[bytes]:
        """What may be stored of a recovery code: by the key of today first."""
        text = _owner(user_id) + b":" + code.encode("utf-8", "replace")
        return [hmac.digest(key, text, "sha256") for key in self._hashing]


def sealer(settings: Settings) -> Sealer:
    """The sealer of these settings."""
    return _sealer(settings.group(SecretSettings).keys)


@lru_cache(maxsize=8)
def _sealer(keys: tuple[bytes, ...]) -> Sealer:
    return Sealer(keys)


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"second factor:" + purpose, "sha256")


def _owner(user_id: int) -> bytes:
    return str(user_id).encode()
