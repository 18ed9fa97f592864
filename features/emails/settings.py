"""Where mails are handed over, and whom they come from."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import EmailStr, Field, SecretStr

from kernel.config import Environment, SettingsGroup
from kernel.schemas import url_of


class EmailSettings(SettingsGroup):
    """A server for outgoing mail; without SMTP_HOST no mail is sent."""

    title = "E-mail"
    smtp_host: str | None = Field(
        None, description="the server; empty or off: no mail is sent, in dev it is caught if empty"
    )
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: float = Field(20, gt=0, le=120, description="seconds for each step")
    smtp_from: EmailStr | None = Field(None, description="whom mails come from")
    public_url: Annotated[str, url_of("http", "https")] | None = Field(
        None,
        pattern=r"^https?://[^/?#@]+(/[^?#]*)?$",
        description="where browsers reach this API: what addresses of it begin with",
    )
    email_link_limit: int = Field(5, ge=1, le=1000, description="links asked for per address")
    email_link_period: int = Field(3600, ge=1, le=2_678_400, description="seconds")
    email_notice_limit: int = Field(
        50, ge=1, le=10_000, description="notices to one address in EMAIL_LINK_PERIOD seconds"
    )

    @property
    def is_on(self) -> bool:
        return self.smtp_host is not None and self.smtp_host.lower() != "off"

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if self.public_url and environment != "local" and not self.public_url.startswith("https:"):
            yield "PUBLIC_URL must begin with https: its links bear secrets"
        if not self.is_on:
            beside = ("smtp_username", "smtp_password", "smtp_from") if not self.smtp_host else ()
            given = [name.upper() for name in beside if getattr(self, name) is not None]
            if given:
                yield f"SMTP_HOST is missing beside {', '.join(given)}; without it, leave them out"
            return
        if self.smtp_from is None:
            yield "SMTP_FROM is missing: the address that mails come from"
        if self.public_url is None and environment != "local":
            yield "PUBLIC_URL is missing: what links in mails begin with"
        if (self.smtp_username is None) != (self.smtp_password is None):
            yield "SMTP_USERNAME and SMTP_PASSWORD need each other"
        if self.smtp_password is not None and self.smtp_security == "none":
            yield "SMTP_SECURITY=none would send SMTP_PASSWORD unencrypted"
        elif self.smtp_security == "none" and environment != "local":
            yield "SMTP_SECURITY=none sends mails unencrypted: starttls or tls outside local"
