"""Codes of authenticator apps, by RFC 6238: six digits, SHA-1, steps of 30 seconds."""

import base64
import hmac
import time
from secrets import token_bytes

from pyotp.totp import TOTP

SECRET_BYTES = 20  # as long as SHA-1's output (RFC 4226, section 4)
STEP = 30  # seconds
WINDOW = 1  # steps that a clock may be off, each way


def new_secret() -> bytes:
    """A secret that an app and this server share."""
    return token_bytes(SECRET_BYTES)


def spelled(secret: bytes) -> str:
    """The secret as apps take it."""
    return base64.b32encode(secret).decode()


def step_of(secret: bytes, code: str, moment: float | None = None) -> int | None:
    """The time step that the code is of, one step around `moment` (seconds since 1970; now); None
    for a wrong one. Whether it was used is not asked here."""
    now = int((time.time() if moment is None else moment) // STEP)
    made, given = TOTP(spelled(secret)), code.encode("utf-8", "replace")
    found = None
    # All of them, in the same time whichever is right; the latest, should two be alike.
    for step in range(now - WINDOW, now + WINDOW + 1):
        if hmac.compare_digest(made.generate_otp(step).encode(), given):
            found = step
    return found


def address_of(secret: bytes, account: str, issuer: str) -> str:
    """What an authenticator app opens or scans."""
    return TOTP(spelled(secret)).provisioning_uri(name=account, issuer_name=issuer)


def qr_of(address: str) -> str:
    """The address as a QR code: an SVG element, dark on light."""
    import segno

    # Not segno.make, which turns short texts into Micro QR codes, which few apps read.
    return segno.make_qr(address).svg_inline(scale=4, light="#fff")
