"""The settings of what a process tells of itself: logs, metrics, traces, errors."""

from pydantic import Field

from kernel.config.loader import SettingsGroup


class ObservabilitySettings(SettingsGroup):
    """What is told, and to whom (docs/running/observability.md)."""

    title = "Observability"
    slow_request_ms: float = Field(
        1000, ge=0, description="a request's line is a warning from here on; 0 is off"
    )
    slow_statement_ms: float = Field(
        500, ge=0, description="a statement gets a line from here on; 0 is off"
    )
