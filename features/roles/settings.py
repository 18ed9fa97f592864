"""Settings of roles."""

from pydantic import Field

from kernel.config import SettingsGroup


class RoleSettings(SettingsGroup):
    """How often an account may change roles."""

    title = "Roles"
    role_change_limit: int = Field(
        300, ge=1, le=10_000, description="changes of roles per account, refused ones too"
    )
    role_change_period: int = Field(3600, ge=1, le=86_400, description="seconds")
