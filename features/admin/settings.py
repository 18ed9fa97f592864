"""Settings of the admin site: where it is served, and for how long one stays signed in."""

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


def is_served(settings: Settings) -> bool:
    """Whether these settings have the site."""
    asked = settings.group(AdminSiteSettings).admin_site
    if asked is None:
        return settings.group(AppSettings).environment == "local"
    return asked
