"""Settings of users: the first superuser, and how many may register."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import EmailStr, Field, SecretStr, StringConstraints

from kernel.settings import Environment, SettingsGroup, is_weak

# Stood in the .env that this project's users come with; known to everybody.
WELL_KNOWN = "!Ch4ng3Th1sP4ssW0rd!"
MIN_ADMIN_PASSWORD = 12


class AdminSettings(SettingsGroup):
    """The superuser that the seed makes when there is none."""

    title = "First superuser"
    admin_name: Annotated[str, StringConstraints(min_length=2, max_length=30)] = "admin"
    admin_email: EmailStr = "admin@admin.com"
    admin_username: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{2,20}$")] = "admin"
    admin_password: SecretStr | None = Field(None, description="needed by the seed only")

    def refusals(self, environment: Environment) -> Iterator[str]:
        password = self.admin_password.get_secret_value() if self.admin_password else None
        if password is None:
            return
        if len(password.encode()) > 72 or "\x00" in password:
            yield "ADMIN_PASSWORD must be at most 72 bytes, without NUL"
        if environment == "local":
            return
        if password == WELL_KNOWN or is_weak(password, MIN_ADMIN_PASSWORD):
            yield (
                f"ADMIN_PASSWORD is a default or weak: choose {MIN_ADMIN_PASSWORD} characters "
                "or more that nobody can guess, or leave it out where no seed runs"
            )


class RegistrationSettings(SettingsGroup):
    """How many accounts one address may make."""

    title = "Registration"
    registration_limit: int = Field(20, ge=1, le=10_000, description="attempts per address")
    registration_period: int = Field(3600, ge=1, le=2_678_400, description="seconds")
