"""Where a browser may be sent after a sign-in: to this site, or to a front end that may call it."""

import re
from urllib.parse import urlsplit

from features.emails.settings import EmailSettings
from kernel.config import HttpSettings, Settings

# Without what browsers take for another host, and without a fragment, which we add.
PATH = re.compile(r"/(?![/\\])[!-~]*")
ADDRESS = re.compile(r"https?://[!-~]+")
PORTS = {"http": ":80", "https": ":443"}


def may_return_to(settings: Settings, address: str) -> bool:
    """Whether it is a path of this site, or an address of our origin or one in CORS_ORIGINS; or
    empty."""
    if {"\\", "#"} & set(address):
        return False
    if not address or PATH.fullmatch(address):
        return True
    if not ADDRESS.fullmatch(address):
        return False
    ours = settings.group(EmailSettings).public_url
    allowed = {*settings.group(HttpSettings).cors_origins, _origin(ours or "")}
    return _origin(address) in allowed - {"*", ""}


def _origin(address: str) -> str:
    """As browsers spell it, without the scheme's own port; empty for one with a user in it."""
    try:
        url = urlsplit(address)
    except ValueError:
        return ""
    if "@" in url.netloc or url.scheme not in PORTS:
        return ""
    return f"{url.scheme}://{url.netloc.lower().removesuffix(PORTS[url.scheme])}"
