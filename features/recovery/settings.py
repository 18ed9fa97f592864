"""How long a link for a new password is good, and where it leads."""

from collections.abc import Iterator

from pydantic import Field

from kernel.config import Environment, SettingsGroup

# A path, or an address without a fragment: the code of a link stands there.
PAGE = r"^(/[^#\s]*|https?://[^/?#@\s]+([/?][^#\s]*)?)$"


class RecoverySettings(SettingsGroup):
    """Forgotten passwords; without SMTP_HOST there is no recovery."""

    title = "Recovery"
    password_reset_minutes: int = Field(60, ge=5, le=60 * 24, description="how long a link is good")
    password_reset_page: str = Field(
        "/api/v1/password/reset/form",
        pattern=PAGE,
        description="where links lead: a path below PUBLIC_URL, or a page of a front end",
    )

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment != "local" and self.password_reset_page.startswith("http:"):
            yield "PASSWORD_RESET_PAGE must begin with / or https: its links bear secrets"
