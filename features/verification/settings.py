"""What unverified accounts may not do, and whether registration tells which addresses are taken."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from kernel.config import Environment, SettingsGroup

NEEDED = ("SMTP_HOST",)
# A path, or an address without a fragment: the code of a link stands there.
PAGE = r"^(/[^#\s]*|https?://[^/?#@\s]+([/?][^#\s]*)?)$"


class VerificationSettings(SettingsGroup):
    """E-mail addresses that are confirmed by a link."""

    title = "Verification"
    needs: ClassVar = {"require_verified_email": NEEDED, "registration_privacy": NEEDED}

    require_verified_email: Literal["off", "writes", "login"] = Field(
        "off",
        description="what accounts registered from now on may not do until their address is "
        "confirmed: off (nothing), writes (to anything but their account), login",
    )
    registration_privacy: bool = Field(
        False,
        description="true: registering a taken address is answered as a free one, and accounts "
        "are made when their address is confirmed",
    )
    email_confirmation_hours: int = Field(
        24, ge=1, le=24 * 14, description="how long a link is good"
    )
    email_confirmation_page: str = Field(
        "/api/v1/email/confirmation/form",
        pattern=PAGE,
        description="where links lead: a path below PUBLIC_URL, or a page of a front end",
    )

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment != "local" and self.email_confirmation_page.startswith("http:"):
            yield "EMAIL_CONFIRMATION_PAGE must begin with / or https: its links bear secrets"

    @property
    def asks_accounts(self) -> bool:
        """Whether new accounts are asked to confirm their address."""
        return self.require_verified_email != "off"

    @property
    def changes_wait(self) -> bool:
        """Whether an account's new address is confirmed before it counts."""
        return self.asks_accounts or self.registration_privacy
