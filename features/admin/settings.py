"""Settings of the admin site: where it is served, and how long things last there."""

from pydantic import Field

from kernel.config import AppSettings, Settings, SettingsGroup


class AdminSiteSettings(SettingsGroup):
    """The pages under /admin."""

    title = "Admin site"
    admin_site: bool | None = Field(
        None, description="on or off: serve /admin; empty: in local only"
    )
    admin_session_hours: int = Field(
        12, ge=1, le=24 * 30, description="how long a superuser stays signed in there"
    )
    admin_draft_minutes: int = Field(
        60,
        ge=5,
        le=60,
        description="how long a text is kept that was typed, not saved, and is too long for a page",
    )
    admin_drafts: int = Field(
        5,
        ge=1,
        le=20,
        description="forms with such texts that are kept for each superuser, the newest ones",
    )


def is_served(settings: Settings) -> bool:
    """Whether these settings have the site."""
    asked = settings.group(AdminSiteSettings).admin_site
    if asked is None:
        return settings.group(AppSettings).environment == "local"
    return asked
