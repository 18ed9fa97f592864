"""Signatures of cached values (BLAKE2b with a key, RFC 7693): Redis is no authority by itself."""

import hashlib
import hmac
import time
from collections.abc import Sequence

import structlog

log = structlog.get_logger("security")

MAC_BYTES = 16
TIME_BYTES = 8
START = MAC_BYTES + TIME_BYTES
LOG_INTERVAL = 60.0  # seconds


class Seal:
    """Signs a value together with its key, the versions that it was made under, and its end."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        keys = [hashlib.sha256(b"cache:" + secret).digest() for secret in secrets]
        # Copied for each value, which spares it the work on the key.
        self._keyed = [hashlib.blake2b(key=key, digest_size=MAC_BYTES) for key in keys]
        self._logged_at = float("-inf")

    def close(self, key: str, header: bytes, value: bytes, seconds: float) -> bytes:
        """The value as it is stored: signature, moment of its end (ms since 1970), value."""
        ends = int((time.time() + seconds) * 1000).to_bytes(TIME_BYTES, "big")
        return _mac(self._keyed[0], key, header, ends + value) + ends + value

    def open(self, key: str, header: bytes, stored: bytes) -> bytes | None:
        """The value; None for one that isn't ours, stood elsewhere, or has ended."""
        if not self._is_ours(key, header, stored):
            if time.monotonic() - self._logged_at > LOG_INTERVAL:
                self._logged_at = time.monotonic()
                log.error("cached value with a wrong signature", key=key)
            return None
        ends = int.from_bytes(stored[MAC_BYTES:START], "big")
        return stored[START:] if ends > time.time() * 1000 else None

    def _is_ours(self, key: str, header: bytes, stored: bytes) -> bool:
        mac, signed = stored[:MAC_BYTES], stored[MAC_BYTES:]
        for keyed in self._keyed:
            if hmac.compare_digest(mac, _mac(keyed, key, header, signed)):
                return True
        return False


def _mac(keyed: "hashlib.blake2b", key: str, header: bytes, signed: bytes) -> bytes:
    made = keyed.copy()
    # The header ends with a line feed, and no key of ours holds one.
    made.update(key.encode("utf-8", "surrogatepass") + b"\n" + header)
    made.update(signed)
    return made.digest()
