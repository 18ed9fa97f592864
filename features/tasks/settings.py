"""How long jobs are kept."""

from pydantic import Field

from kernel.config import SettingsGroup


class JobSettings(SettingsGroup):
    """The outbox and the history."""

    title = "Jobs"
    job_history_days: int = Field(30, ge=1, description="days that ended jobs are kept")
    job_recheck_seconds: float = Field(
        15, ge=1, description="seconds after which a job is looked for that Redis may have lost"
    )
