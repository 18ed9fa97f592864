"""Settings of auth: tokens, the refresh cookie, password hashes, login failures."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from pydantic import Field

from kernel.config import Environment, SettingsGroup

MIN_HASH_COST = 10


class AuthSettings(SettingsGroup):
    """How callers prove who they are, and for how long."""

    title = "Login"
    algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    access_token_expire_minutes: int = Field(30, ge=1, le=60 * 24 * 30)
    refresh_token_expire_days: int = Field(7, ge=1, le=3650)
    refresh_cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    password_hash_cost: int = Field(
        12, ge=4, le=16, description="bcrypt's cost; each step doubles the time of a login"
    )

    login_failure_limit: int = Field(
        10, ge=1, le=1000, description="wrong passwords per account from one address"
    )
    login_failure_period: int = Field(300, ge=1, le=86_400, description="seconds")
    login_limit: int = Field(100, ge=1, description="right passwords per account")
    login_period: int = Field(300, ge=1, le=86_400, description="seconds")
    step_up_minutes: int = Field(
        10,
        ge=0,
        le=60 * 24,
        description="how long an entered password is good for changing what matters; 0: for ever",
    )

    @property
    def access_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_expire_minutes)

    @property
    def refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.refresh_token_expire_days)

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment != "local" and self.password_hash_cost < MIN_HASH_COST:
            yield f"PASSWORD_HASH_COST must be at least {MIN_HASH_COST}"
