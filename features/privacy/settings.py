"""Settings of exports, and when deleted accounts are erased."""

from pydantic import Field

from kernel.config import SettingsGroup


class PrivacySettings(SettingsGroup):
    """What a person can have: the own data, and their erasure."""

    title = "Privacy"
    export_hours: int = Field(24, ge=1, le=720, description="how long an archive is kept")
    export_max_bytes: int = Field(
        256 * 1024 * 1024, ge=1024, description="the largest archive, compressed"
    )
    export_limit: int = Field(3, ge=1, le=1000, description="archives per account")
    export_period: int = Field(86_400, ge=60, le=2_678_400, description="seconds")
    erasure_days: int | None = Field(
        None,
        ge=0,
        le=3650,
        description="after which deleted accounts are erased for good; empty: they are kept",
    )
