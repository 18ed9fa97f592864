"""How long a link for a new password is good, and where it leads."""

from pydantic import Field

from kernel.config import SettingsGroup


class RecoverySettings(SettingsGroup):
    """Forgotten passwords; without SMTP_HOST there is no recovery."""

    title = "Recovery"
    password_reset_minutes: int = Field(60, ge=5, le=60 * 24, description="how long a link is good")
    password_reset_page: str = Field(
        "/api/v1/password/reset/form",
        pattern="^(/|https?://)",
        description="where links lead: a path below PUBLIC_URL, or a page of a front end",
    )
