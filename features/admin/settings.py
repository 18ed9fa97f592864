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
        description="how long a text is kept that was typed, is too long for a page and isn't "
        "saved: time for a sign-in, and no longer than any cache holds an erased person",
    )
    admin_drafts: int = Field(
        10,
        ge=1,
        le=100,
        description="how many such texts are kept for a superuser, each of MAX_BODY_BYTES at most: "
        "they take memory of the limits' Redis",
    )


def is_served(settings: Settings) -> bool:
    """Whether these settings have the site."""
    asked = settings.group(AdminSiteSettings).admin_site
    if asked is None:
        return settings.group(AppSettings).environment == "local"
    return asked
