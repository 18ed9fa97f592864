"""How long audit entries are kept."""

from pydantic import Field

from features.audit.models import KEPT_DAYS
from kernel.config import SettingsGroup


class AuditSettings(SettingsGroup):
    """The audit log."""

    title = "Audit log"
    audit_days: int = Field(
        365, ge=KEPT_DAYS, le=36_500, description="days that audit entries are kept"
    )
