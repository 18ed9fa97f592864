"""Signatures of cached values (BLAKE2b with a key, RFC 7693): Redis is no authority by itself."""

import hashlib
import hmac
import time

import structlog

log = structlog.get_logger("security")

MAC_BYTES = 16
TIME_BYTES = 8
START = MAC_BYTES + TIME_BYTES
REMEMBERED = 4096  # keys
LOG_INTERVAL = 60.0  # seconds


class Seal:
    """Signs a value together with its key, the versions that it was made under, and its end."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"cache:" + secret).digest()
        self._logged_at = float("-inf")
        # By key, what was found good last: the same bytes need no second look at the signature.
        self._good: dict[str, bytes] = {}

    def close(self, key: str, header: bytes, value: bytes, seconds: float) -> bytes:
        """The value as it is stored: signature, moment of its end (ms since 1970), value."""
        ends = int((time.time() + seconds) * 1000).to_bytes(TIME_BYTES, "big")
        return self._mac(key, header, ends + value) + ends + value

    def open(self, key: str, header: bytes, stored: bytes) -> bytes | None:
        """The value; None for one that isn't ours, stood elsewhere, or has ended."""
        if self._good.get(key) != header + stored and not self._is_ours(key, header, stored):
            if time.monotonic() - self._logged_at > LOG_INTERVAL:
                self._logged_at = time.monotonic()
                log.error("cached value with a wrong signature", key=key)
            return None
        ends = int.from_bytes(stored[MAC_BYTES:START], "big")
        return stored[START:] if ends > time.time() * 1000 else None

    def _is_ours(self, key: str, header: bytes, stored: bytes) -> bool:
        mac, signed = stored[:MAC_BYTES], stored[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(key, header, signed)):
            return False
        if len(self._good) >= REMEMBERED:
            self._good.pop(next(iter(self._good)))
        self._good[key] = header + stored
        return True

    def _mac(self, key: str, header: bytes, signed: bytes) -> bytes:
        # The header ends with a line feed, and no key of ours holds one.
        text = key.encode("utf-8", "surrogatepass") + b"\n" + header + signed
        return hashlib.blake2b(text, key=self._key, digest_size=MAC_BYTES).digest()
