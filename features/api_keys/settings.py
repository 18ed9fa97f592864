"""Settings of API keys: how they begin, how long they last, how many there may be."""

from collections.abc import Iterator

from pydantic import Field

from kernel.config import Environment, SettingsGroup


class ApiKeySettings(SettingsGroup):
    """What programs call with in place of a login."""

    title = "API keys"
    api_key_prefix: str = Field(
        "sk",
        pattern=r"^[a-z][a-z0-9]{1,15}$",
        description="how every key begins, for scanners that look for leaked ones",
    )
    api_key_days: int = Field(
        90, ge=1, le=36_500, description="how long a key lasts that says nothing of it"
    )
    api_key_max_days: int = Field(365, ge=1, le=36_500, description="how long one may last")
    max_api_keys: int = Field(20, ge=1, le=50, description="live ones of one account")
    api_key_failure_limit: int = Field(
        20, ge=1, le=10_000, description="bad keys from one address until it is answered 429"
    )
    api_key_failure_period: int = Field(300, ge=1, le=86_400, description="seconds")

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if self.api_key_days > self.api_key_max_days:
            yield "API_KEY_DAYS must not be above API_KEY_MAX_DAYS"
