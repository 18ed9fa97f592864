"""Where PostgreSQL is, and what the application takes of it."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from kernel.config.loader import SettingsGroup

REPLICA_TIMEOUT = 0.5  # seconds that a read waits for the replica before it goes to the primary


def _database_url(value: SecretStr) -> SecretStr:
    # Parsers quote what they can't read, and with it a password.
    try:
        backend = make_url(value.get_secret_value()).get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in ("postgresql", "postgres"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]


class DatabaseSettings(SettingsGroup):
    """PostgreSQL."""

    title = "PostgreSQL"
    database_url: DatabaseUrl | None = Field(None, description="wins over the POSTGRES_ parts")
    database_owner_url: DatabaseUrl | None = Field(
        None, description="of the role that migrates; empty: the application's own does"
    )
    database_replica_url: DatabaseUrl | None = Field(
        None, description="of a standby, for routes that declare ReplicaSession; empty: off"
    )
    postgres_user: str = "postgres"
    postgres_password: SecretStr = SecretStr("")
    postgres_server: str = "localhost"
    postgres_port: int = Field(5432, ge=1, le=65535)
    postgres_db: str = "postgres"
    postgres_owner_user: str = Field("", description="for DATABASE_OWNER_URL, in parts")
    postgres_owner_password: SecretStr = SecretStr("")
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
        if self.database_url is not None:
            return _on_asyncpg(self.database_url)
        return URL.create(
            "postgresql+asyncpg",
            username=self.postgres_user,
            password=self.postgres_password.get_secret_value() or None,
            host=self.postgres_server,
            port=self.postgres_port,
            database=self.postgres_db,
        )

    @cached_property
    def owner_url(self) -> URL:
        """The address for migrations, as the role that owns the tables."""
        if self.database_owner_url is not None:
            return _on_asyncpg(self.database_owner_url)
        if not self.postgres_owner_user:
            return self.url
        password = self.postgres_owner_password.get_secret_value()
        return self.url.set(username=self.postgres_owner_user, password=password)

    @cached_property
    def of_replica(self) -> "DatabaseSettings | None":
        """The same for the replica, which must not be waited for; None without one."""
        if (url := self.database_replica_url) is None:
            return None
        timeout = min(self.database_pool_timeout, REPLICA_TIMEOUT)
        given: dict[str, Any] = {"database_url": url, "database_pool_timeout": timeout}
        return DatabaseSettings(**{**self.model_dump(), **given})


def _on_asyncpg(given: SecretStr) -> URL:
    url = make_url(given.get_secret_value()).set(drivername="postgresql+asyncpg")
    if "sslmode" in url.query:  # libpq's word; asyncpg's is ssl
        sslmode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    return url
