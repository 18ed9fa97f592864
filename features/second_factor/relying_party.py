"""Where passkeys are made and used: the one origin that is believed, and the domain they have."""

from typing import NamedTuple

from pydantic import AnyUrl

from features.emails.settings import EmailSettings
from features.second_factor.settings import SecondFactorSettings
from kernel.config import AppSettings, HttpSettings, Settings


class RelyingParty(NamedTuple):
    """Web Authentication's name for who asks for a passkey."""

    id: str
    name: str
    origin: str


def relying_party(settings: Settings) -> RelyingParty:
    """By PASSKEY_ORIGIN, else PUBLIC_URL, else this process on localhost: never by a request, whose
    Host anyone may write."""
    own = settings.group(SecondFactorSettings)
    given = own.passkey_origin or settings.group(EmailSettings).public_url
    # As browsers read it (WHATWG's URL standard), names that aren't ASCII, too.
    url = AnyUrl(given or f"http://localhost:{settings.group(HttpSettings).port}")
    host = url.host or ""
    port = "" if url.port in (None, {"http": 80, "https": 443}[url.scheme]) else f":{url.port}"
    app = settings.group(AppSettings)
    return RelyingParty(own.passkey_rp_id or host, app.app_name, f"{url.scheme}://{host}{port}")
