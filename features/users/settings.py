"""Settings of users: the first superuser, and how many may register."""

from collections.abc import Iterator
from typing import Any

from pydantic import EmailStr, Field, SecretStr, TypeAdapter, ValidationError

from features.users.models import Name, Username
from kernel.config import Environment, SettingsGroup, is_weak

# Stood in the .env that this project's users come with; known to the public.
WELL_KNOWN = "!Ch4ng3Th1sP4ssW0rd!"
MIN_ADMIN_PASSWORD = 12
# The superuser is an account like all others.
KINDS: dict[str, Any] = {"admin_name": Name, "admin_email": EmailStr, "admin_username": Username}


class AdminSettings(SettingsGroup):
    """The superuser that the seed makes when there is none."""

    title = "First superuser"
    admin_name: str = "admin"
    admin_email: str = "admin@admin.com"
    admin_username: str = "admin"
    admin_password: SecretStr | None = Field(None, description="needed by the seed only")

    def incompatibilities(self) -> Iterator[str]:
        """Say which of the names no account can have.

        In local only the seed asks, so that the placeholders of an old .env stop no start.
        """
        for setting, kind in KINDS.items():
            try:
                TypeAdapter(kind).validate_python(getattr(self, setting))
            except ValidationError as invalid:
                message = invalid.errors()[0]["msg"].removeprefix("Value error, ")
                yield f"{setting.upper()}: {message}"

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment != "local":
            yield from self.incompatibilities()
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
                "or more that can't be guessed, or leave it out where no seed runs"
            )


class RegistrationSettings(SettingsGroup):
    """How many accounts one address may make."""

    title = "Registration"
    registration_limit: int = Field(20, ge=1, le=10_000, description="attempts per address")
    registration_period: int = Field(3600, ge=1, le=2_678_400, description="seconds")
