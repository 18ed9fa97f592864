"""Settings in groups: the kernel's stand here, a feature's in its own settings.py."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib.metadata import metadata, packages_distributions
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from dotenv.parser import parse_stream
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source
from sqlalchemy import URL, make_url

ROOT = Path(__file__).resolve().parents[2]
GENERATED_FILE = "generated.env"

Environment = Literal["local", "staging", "production"]
Network = IPv4Network | IPv6Network
Group = TypeVar("Group", bound="SettingsGroup")


@cache
def project() -> Mapping[str, str]:
    """The project's `name` and `version`, which stand in pyproject.toml and nowhere else."""
    pyproject = ROOT / "pyproject.toml"
    if pyproject.is_file():
        table: dict[str, str] = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        return table
    installed = metadata(packages_distributions()["kernel"][0])
    return {"name": installed["Name"], "version": installed["Version"]}


class SettingsError(Exception):
    """The settings can't be used; the message lists every problem at once."""


def _comma_separated(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _networks(value: Any) -> Any:
    return [ip_network(part, strict=False) for part in _comma_separated(value)]


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[list[Network], NoDecode, BeforeValidator(_networks)]


class SettingsGroup(BaseSettings):
    """Base of every group of settings. A field `app_name` is read from APP_NAME."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    title: ClassVar[str] = ""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Source, *_: Source, **__: Source
    ) -> tuple[Source, ...]:
        # Settings has merged the sources already; a group reads nothing by itself.
        return (init_settings,)

    def refusals(self, environment: Environment) -> Iterator[str]:
        """Say what makes these values unfit for the environment; nothing when they are fit."""
        yield from ()


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
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    dev_data_dir: Path = Field(Path(".dev"), description="where `hatch run dev` keeps its data")


class SecretSettings(SettingsGroup):
    """The key that everything signed is signed with."""

    title = "Secrets"
    secret_key: SecretStr | None = Field(None, description="from `openssl rand -hex 32`")

    @cached_property
    def key(self) -> bytes:
        """The key's bytes; in local without a SECRET_KEY, made for this process only."""
        given = self.secret_key.get_secret_value() if self.secret_key else token_hex(32)
        return given.encode()

    def refusals(self, environment: Environment) -> Iterator[str]:
        if environment == "local":
            return
        given = self.secret_key.get_secret_value() if self.secret_key else ""
        way_out = "set it to the output of `openssl rand -hex 32`"
        if not given:
            yield f"SECRET_KEY is missing: {way_out}"
        elif is_weak(given, 32):
            yield f"SECRET_KEY is weak: {way_out}"


class HttpSettings(SettingsGroup):
    """Where the API listens and whom it answers."""

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
    cors_origins: CommaSeparated = []
    cors_allow_credentials: bool = True
    allowed_hosts: CommaSeparated = Field([], description="Host headers answered; empty: all")
    client_cache_max_age: int = Field(
        30, ge=0, description="seconds that clients may keep public data; 0 is off"
    )

    def refusals(self, environment: Environment) -> Iterator[str]:
        if environment != "local" and "*" in self.cors_origins and self.cors_allow_credentials:
            yield "CORS_ORIGINS must name its origins: a wildcard can't be used with credentials"


class DatabaseSettings(SettingsGroup):
    """PostgreSQL."""

    title = "PostgreSQL"
    database_url: SecretStr | None = Field(None, description="wins over the POSTGRES_ parts")
    postgres_user: str = "postgres"
    postgres_password: SecretStr = SecretStr("")
    postgres_server: str = "localhost"
    postgres_port: int = Field(5432, ge=1, le=65535)
    postgres_db: str = "postgres"
    # More connections than this gain nothing on two cores: statements wait in PostgreSQL instead
    # of in the pool, and the slowest requests double their time. Never any overflow: opening a
    # connection costs several requests' worth of CPU.
    database_pool_size: int = Field(15, ge=1, description="connections of each API process")
    database_pool_timeout: float = Field(
        5, gt=0, description="seconds a request waits for a connection before it answers 503"
    )
    database_timeout: float = Field(
        8, gt=0, description="seconds a statement may take before its request answers 503"
    )
    database_pgbouncer: bool = Field(
        False, description="true behind PgBouncer in transaction mode: no prepared statements"
    )

    @cached_property
    def url(self) -> URL:
        """The address for SQLAlchemy, on asyncpg whatever driver was named."""
        if self.database_url is None:
            return URL.create(
                "postgresql+asyncpg",
                username=self.postgres_user,
                password=self.postgres_password.get_secret_value() or None,
                host=self.postgres_server,
                port=self.postgres_port,
                database=self.postgres_db,
            )
        url = make_url(self.database_url.get_secret_value()).set(drivername="postgresql+asyncpg")
        if "sslmode" in url.query:  # libpq's word; asyncpg's is ssl
            sslmode = url.query["sslmode"]
            url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
        return url


class RedisSettings(SettingsGroup):
    """Three Redis roles; they may share one server. A URL of `off` opts out of that role."""

    title = "Redis"
    redis_cache_url: SecretStr | None = None
    redis_cache_host: str = "localhost"
    redis_cache_port: int = Field(6379, ge=1, le=65535)
    redis_queue_url: SecretStr | None = None
    redis_queue_host: str = "localhost"
    redis_queue_port: int = Field(6379, ge=1, le=65535)
    redis_rate_limit_url: SecretStr | None = None
    redis_rate_limit_host: str = "localhost"
    redis_rate_limit_port: int = Field(6379, ge=1, le=65535)

    def address(self, role: Literal["cache", "queue", "rate_limit"]) -> str | None:
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


KERNEL_GROUPS: tuple[type[SettingsGroup], ...] = (
    AppSettings,
    SecretSettings,
    HttpSettings,
    DatabaseSettings,
    RedisSettings,
    LimitSettings,
    WorkerSettings,
)
# In the .env of compose stacks only; known, so that they cause no warning.
COMPOSE_NAMES = ("PGADMIN_DEFAULT_EMAIL", "PGADMIN_DEFAULT_PASSWORD", "PGADMIN_LISTEN_PORT")


class _Values(EnvSettingsSource):
    def __init__(self, kind: type[SettingsGroup], values: Mapping[str, str]) -> None:
        self._values = values
        super().__init__(kind, env_ignore_empty=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._values.items()}


class Settings:
    """Every group, read from the same values: `settings.group(AppSettings).app_name`.

    Built from explicit values in tests; `Settings.load()` reads the environment, then `.env`
    in the project's root, then what `hatch run dev` generated (in local only).
    """

    def __init__(
        self, values: Mapping[str, str] | None = None, unknown: Iterable[str] = ()
    ) -> None:
        self._values = {name.upper(): value for name, value in (values or {}).items()}
        self._groups: dict[type[SettingsGroup], SettingsGroup] = {}
        self.unknown = sorted(unknown)

    @classmethod
    def load(cls, groups: Iterable[type[SettingsGroup]], root: Path = ROOT) -> "Settings":
        """Read all sources and check every group.

        Raises SettingsError, listing every problem, when a value is malformed or unfit.
        """
        dotenv = read_dotenv(root / ".env")
        values = {**dotenv, **_given(os.environ)}
        if values.get("ENVIRONMENT", "local") == "local":
            data = root / values.get("DEV_DATA_DIR", ".dev")
            values = {**read_dotenv(data / GENERATED_FILE), **values}
        groups = [*KERNEL_GROUPS, *groups]
        known = {name.upper() for group in groups for name in group.model_fields}
        known |= {f"{name}_FILE" for name in known} | set(COMPOSE_NAMES)
        settings = cls(values, unknown=set(dotenv) - known)
        settings.check(groups)
        return settings

    def check(self, groups: Iterable[type[SettingsGroup]]) -> None:
        """Raise SettingsError with every problem of these groups, if there is any."""
        problems: list[str] = []
        environment = self._values.get("ENVIRONMENT") or "local"
        for kind in groups:
            try:
                problems += self.group(kind).refusals(environment)  # type: ignore[arg-type]
            except ValidationError as invalid:
                for error in invalid.errors():
                    problems.append(f"{str(error['loc'][0]).upper()}: {error['msg']}")
            except SettingsError as unreadable:
                problems.append(str(unreadable))
        if problems:
            lines = "".join(f"\n  - {problem}" for problem in dict.fromkeys(problems))
            raise SettingsError(f"The settings can't be used ({environment}):{lines}")

    def group(self, kind: type[Group]) -> Group:
        """The group of that class. Raises pydantic's ValidationError for a malformed value."""
        if kind not in self._groups:
            self._groups[kind] = kind(**_Values(kind, self._with_secret_files(kind))())
        return self._groups[kind]  # type: ignore[return-value]

    @property
    def environment(self) -> Environment:
        return self.group(AppSettings).environment

    def _with_secret_files(self, kind: type[SettingsGroup]) -> Mapping[str, str]:
        values = dict(self._values)
        for name in (field.upper() for field in kind.model_fields):
            path = values.get(f"{name}_FILE")
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    raise SettingsError(f"{name}_FILE: {error.strerror}: {path}") from error
        return values


def is_weak(secret: str, length: int) -> bool:
    """Whether a secret is shorter than `length` characters, or obviously no random one."""
    words = ("changeme", "change-me", "secret", "password", "example", "your_", "test")
    lowered = secret.lower()
    return len(secret) < length or len(set(secret)) < 8 or any(lowered.startswith(w) for w in words)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in environ.items() if value}


def read_dotenv(path: Path) -> dict[str, str]:
    """Read a dotenv file; names whose value is empty, or only a comment, are left out."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    with path.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            if binding.key is None or not binding.value:
                continue
            # `SECRET_KEY= # a remark` gives the remark as the value; quoted, "#..." is meant.
            raw = binding.original.string.partition("=")[2].strip()
            if not raw.startswith("#"):
                found[binding.key.upper()] = binding.value
    return found
