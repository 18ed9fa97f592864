"""The secret of a link, and the address that it stands in."""

import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256

from features.emails.settings import EmailSettings
from kernel.config import HttpSettings, SecretSettings, Settings

PURPOSE = b"email link "


def token_of(settings: Settings, job_id: str) -> str:
    """256 bits that only this server can name: nothing else of a link is a secret.

    From the job's id and SECRET_KEY, so that a job that a crash repeats mails the same link.
    """
    key = settings.group(SecretSettings).keys[0]
    secret = hmac.digest(key, PURPOSE + job_id.encode(), "sha256")
    return urlsafe_b64encode(secret).decode().rstrip("=")


def hash_of(token: str) -> bytes:
    """What is kept of a token. A fast hash: 256 bits are not guessed."""
    return sha256(token.encode("utf-8", "replace")).digest()


def address_of(settings: Settings, page: str, token: str) -> str:
    """Where a mail's link leads. The token stands behind the #, which browsers send to no server,
    so that no log and no other site gets it."""
    if page.startswith("/"):
        base = settings.group(EmailSettings).public_url
        page = (base or f"http://127.0.0.1:{settings.group(HttpSettings).port}").rstrip("/") + page
    return f"{page}#{token}"


def in_words(lifetime: timedelta) -> str:
    """How long a link is good for: `60 minutes`, `24 hours`."""
    minutes = int(lifetime.total_seconds()) // 60
    return (
        f"{minutes // 60} hours" if minutes >= 120 and minutes % 60 == 0 else f"{minutes} minutes"
    )
