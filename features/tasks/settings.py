"""How long jobs are kept."""

from pydantic import Field

from kernel.config import SettingsGroup


class JobSettings(SettingsGroup):
    """The history."""

    title = "Jobs"
    job_history_days: int = Field(30, ge=1, description="days that ended jobs are kept")
