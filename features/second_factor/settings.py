"""Who needs a second factor, how long a login waits for it, and where passkeys are used."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AnyUrl, Field

from kernel.config import Environment, SettingsGroup
from kernel.schemas import url_of


class SecondFactorSettings(SettingsGroup):
    """Codes of authenticator apps, passkeys and recovery codes."""

    title = "Second factor"
    needs: ClassVar = {"passkey_rp_id": ("PASSKEY_ORIGIN",)}

    second_factor_required: Literal["none", "superusers", "all"] = Field(
        "none",
        description="who must have one: without it they may do nothing but set one up",
    )
    login_ticket_seconds: int = Field(
        300, ge=30, le=3600, description="how long a login waits for its factor"
    )
    login_ticket_attempts: int = Field(
        5, ge=1, le=20, description="wrong codes until a login begins anew"
    )
    max_passkeys: int = Field(10, ge=1, le=50, description="of one account")
    passkey_origin: Annotated[str, url_of("http", "https")] | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+$",
        description="the origin of the pages that use passkeys; by default PUBLIC_URL's",
    )
    passkey_rp_id: str | None = Field(
        None,
        pattern=r"^[a-z0-9.-]+$",
        description="the domain that passkeys are bound to, for ever: by default the origin's host",
    )

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        origin, domain = self.passkey_origin, self.passkey_rp_id
        if origin is None:
            return
        if environment != "local" and origin.startswith("http:"):
            yield "PASSKEY_ORIGIN must begin with https: browsers know passkeys only there"
        host = AnyUrl(origin).host or ""
        if domain and host != domain and not host.endswith(f".{domain}"):
            yield "PASSKEY_RP_ID must be the host of PASSKEY_ORIGIN, or a domain above it"
