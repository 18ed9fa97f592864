"""Cursors: opaque to the client, and of no use once anything in them has been changed."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from kernel.errors import UnprocessableEntityException
from kernel.setting_groups import SecretSettings
from kernel.unit_of_work import UnitOfWork

SIGNATURE_BYTES = 16


class CursorSigner:
    """Makes cursors that only this list, with these filters, accepts (HMAC, RFC 2104)."""

    def __init__(self, unit: UnitOfWork, scope: Any) -> None:
        secret = unit.resources.settings.group(SecretSettings).key
        self._key = hashlib.sha256(b"cursor:" + secret + orjson.dumps(scope)).digest()

    def seal(self, value: Any, row_id: int) -> str:
        """A cursor that stands after the row with this sort value and id."""
        payload = orjson.dumps([value, row_id])
        return urlsafe_b64encode(self._sign(payload) + payload).decode().rstrip("=")

    def open(self, cursor: str) -> tuple[Any, int]:
        """The sort value and the id in it. Raises UnprocessableEntityException for a forged one."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raw = b""
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(payload)):
            raise UnprocessableEntityException("The cursor is not one of this list.")
        value, row_id = orjson.loads(payload)
        return value, row_id

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")[:SIGNATURE_BYTES]
