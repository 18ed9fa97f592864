"""The kernel's own settings: application, secrets, HTTP, PostgreSQL, Redis, limits, worker."""

import json
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from kernel.config.addresses import RedisRole, RedisUrl
from kernel.config.connections import ConnectionSettings
from kernel.config.database import DatabaseSettings
from kernel.config.loader import Environment, SettingsGroup, is_weak, project
from kernel.config.observability import ObservabilitySettings

Network = IPv4Network | IPv6Network


def _comma_separated(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):  # pydantic-settings' own way to write a list
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _origins(value: Any) -> list[str]:
    try:
        return [text if text == "*" else _origin(text) for text in _comma_separated(value)]
    except ValueError as error:
        raise ValueError(
            "must be origins like https://app.example or http://localhost:3000, without a path; "
            f"{error}"
        ) from None


def _origin(text: str) -> str:
    """An origin as browsers spell it: in lower case, without the scheme's own port."""
    url = urlsplit(text)
    host = (url.hostname or "").encode("idna").decode()
    rest = f"{url.path.removesuffix('/')}{url.query}{url.fragment}{url.username or ''}"
    if url.scheme not in ("http", "https") or not host or rest or "*" in host:
        raise ValueError(f"{text!r} is none")
    port = "" if url.port in (None, {"http": 80, "https": 443}[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _networks(value: Any) -> Any:
    return [ip_network(part, strict=False) for part in _comma_separated(value)]


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_comma_separated)]
Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_comma_separated)]
Origins = Annotated[list[str], NoDecode, BeforeValidator(_origins)]
Networks = Annotated[list[Network], NoDecode, BeforeValidator(_networks)]


class AppSettings(SettingsGroup):
    """What the application calls itself, in OpenAPI and in logs."""

    title = "Application"
    app_name: str = Field(
        default_factory=lambda: project()["name"].replace("-", " ").capitalize(),
        description="what users read; by default the project's name",
    )
    app_description: str | None = None
    app_version: str = Field(default_factory=lambda: project()["version"])
    contact_name: str | None = None
    contact_email: str | None = None
    license_name: str | None = None
    environment: Environment = "local"
    opentelemetry: bool = Field(
        False, description="true: FastAPI reports to the OpenTelemetry providers of the process"
    )
    fast_path: bool = Field(
        True, description="on or off: shortcuts past FastAPI (docs/fast-path.md)"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    dev_data_dir: Path = Field(Path(".dev"), description="where `hatch run dev` keeps its data")


class SecretSettings(SettingsGroup):
    """The key that everything signed is signed with."""

    title = "Secrets"
    secret_key: SecretStr | None = Field(None, description="from `openssl rand -hex 32`")
    secret_keys_old: Secrets = Field(
        [], description="earlier keys: what they have signed is still believed"
    )

    @cached_property
    def keys(self) -> tuple[bytes, ...]:
        """The key that signs, then the earlier ones; in local without a SECRET_KEY, one that is
        made for this process only."""
        given = self.secret_key.get_secret_value() if self.secret_key else token_hex(32)
        return tuple(
            key.encode()
            for key in (given, *[old.get_secret_value() for old in self.secret_keys_old])
        )

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment == "local":
            return
        given = self.secret_key.get_secret_value() if self.secret_key else ""
        way_out = "set it to the output of `openssl rand -hex 32`"
        if not given:
            yield f"SECRET_KEY is missing: {way_out}"
        elif is_weak(given, 32):
            yield f"SECRET_KEY is weak: {way_out}"
        if any(is_weak(old.get_secret_value(), 32) for old in self.secret_keys_old):
            yield "SECRET_KEYS_OLD holds a weak key: leave it out"


class HttpSettings(SettingsGroup):
    """Where the API listens, and which clients it answers."""

    title = "HTTP"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    web_concurrency: int = Field(1, ge=1, description="API processes started by `hatch run api`")
    shutdown_timeout: int = Field(
        20, ge=1, description="seconds that requests in flight get to finish after SIGTERM"
    )
    drain_delay: float = Field(
        0, ge=0, description="seconds between failing readiness and closing the listener"
    )
    max_body_bytes: int = Field(1024 * 1024, ge=1)
    trusted_proxies: Networks = Field(
        [], description="addresses or networks whose X-Forwarded-For is believed"
    )
    cors_origins: Origins = Field([], description="origins that browsers may call from")
    cors_allow_credentials: bool = True
    allowed_hosts: CommaSeparated = Field([], description="Host headers answered; empty: all")
    client_cache_max_age: int = Field(
        30, ge=0, description="seconds that clients may keep public data; 0 is off"
    )

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        if environment != "local" and "*" in self.cors_origins and self.cors_allow_credentials:
            yield "CORS_ORIGINS must name its origins: a wildcard can't be used with credentials"


class RedisSettings(SettingsGroup):
    """Three Redis roles; they may share one server. A URL of `off` opts out of that role."""

    title = "Redis"
    redis_cache_url: RedisUrl | None = None
    redis_cache_host: str = "localhost"
    redis_cache_port: int = Field(6379, ge=1, le=65535)
    redis_queue_url: RedisUrl | None = None
    redis_queue_host: str = "localhost"
    redis_queue_port: int = Field(6379, ge=1, le=65535)
    redis_rate_limit_url: RedisUrl | None = None
    redis_rate_limit_host: str = "localhost"
    redis_rate_limit_port: int = Field(6379, ge=1, le=65535)

    def address(self, role: RedisRole) -> str | None:
        """The URL of one role, or None when it is opted out of."""
        url: SecretStr | None = getattr(self, f"redis_{role}_url")
        if url is None:
            host, port = getattr(self, f"redis_{role}_host"), getattr(self, f"redis_{role}_port")
            return f"redis://{host}:{port}/0"
        return None if url.get_secret_value() == "off" else url.get_secret_value()


class LimitSettings(SettingsGroup):
    """The rule of `rate_limiter` where no tier has one for the path."""

    title = "Rate limits"
    default_rate_limit_limit: int = Field(10, ge=1, description="requests per period")
    default_rate_limit_period: int = Field(3600, ge=1, description="seconds")
    write_limit: int = Field(
        10_000, ge=1, description="writes of one account per period, in each API process"
    )
    write_period: int = Field(3600, ge=1, description="seconds")


class WorkerSettings(SettingsGroup):
    """How the worker runs jobs."""

    title = "Worker"
    worker_max_jobs: int = Field(10, ge=1, description="jobs that one worker runs at a time")
    worker_drain_timeout: int = Field(
        20, ge=1, description="seconds that running jobs get to finish after SIGTERM"
    )
    worker_lease: float = Field(
        10, ge=1, description="seconds after which the jobs of a worker that died run again"
    )
    worker_queues: CommaSeparated = Field(
        [], description="queues that this worker serves, the first one first; empty: all"
    )


KERNEL_GROUPS: tuple[type[SettingsGroup], ...] = (
    AppSettings,
    SecretSettings,
    HttpSettings,
    ConnectionSettings,
    DatabaseSettings,
    RedisSettings,
    LimitSettings,
    WorkerSettings,
    ObservabilitySettings,
)
