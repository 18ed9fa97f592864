"""Alembic's entry: migrates with every feature's models loaded, one migrator at a time."""

import asyncio
import importlib
import sys
import time
from importlib.util import find_spec
from typing import Any

import alembic_postgresql_enum  # noqa: F401 (it registers operations that revisions use)
from alembic import context
from alembic.util import CommandError
from asyncpg import PostgresError
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from kernel import discovery
from kernel.config.database import DatabaseSettings
from kernel.config.groups import AppSettings
from kernel.config.loader import SettingsError
from kernel.db.tables import metadata
from kernel.settings import load_settings
from migrations.roles import grant
from migrations.uuid7 import provide

LOCK = 0x51CE_91A7  # any constant: the same for every migrator of this application
LOCK_WAIT = 120.0  # seconds to wait for another migrator
LOCK_TIMEOUT = "10s"  # for a table lock; a migration must not stop the traffic behind it

UNKNOWN = """\
The database has revision {revision}, whose file isn't in migrations/versions. Either bring the file
back (another branch has it, or `git log --diff-filter=D -- migrations/versions`) and undo it by
`hatch run migrate -1` before you delete it again; or undo its changes in the database by hand, and
name the newest revision that it still has: `hatch run alembic stamp --purge REVISION`.
Data of development can be forgotten instead: see "Stop" in what `hatch run dev` says."""

discovery.load("models")


def database_url() -> URL:
    """The owner's address, given by the caller (tests, checks), else the settings'."""
    given: URL | None = context.config.attributes.get("url")
    return given or database_settings().owner_url


def database_settings() -> DatabaseSettings:
    """Those of the environment. Raises CommandError when they are unfit."""
    try:
        return load_settings().group(DatabaseSettings)
    except SettingsError as error:
        raise CommandError(str(error)) from error


def grant_to_application(connection: Connection) -> None:
    """Let the application's role use the tables: the caller's, where it gave an address."""
    attributes = context.config.attributes
    if "url" not in attributes:
        local = load_settings().group(AppSettings).environment == "local"
        grant(connection, database_settings().url, warn=not local)
    elif "application" in attributes:
        grant(connection, attributes["application"])


def wait_for_turn(connection: Connection) -> None:
    """Take the migration lock, which the connection's end gives back.

    Polled, since a session that waits in pg_advisory_lock holds a snapshot that would block
    CREATE INDEX CONCURRENTLY in the migration it waits for.
    """
    started, logged = time.monotonic(), False
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
        connection.commit()
        if time.monotonic() - started > LOCK_WAIT:
            raise CommandError(f"Another migration has been running for {LOCK_WAIT:.0f} seconds.")
        if not logged:
            sys.stderr.write("Waiting for another migration to end.\n")
            logged = True
        time.sleep(0.2)
    connection.commit()


def comparison() -> dict[str, Any]:
    """How autogenerate compares; the image has none of it, since no revision is written there."""
    if find_spec("infra") is None:
        return {}
    options: dict[str, Any] = importlib.import_module("infra.revisions.autogenerate").options()
    return options


def refuse_unknown(connection: Connection) -> None:
    """Raise CommandError when the database had a revision whose file is gone."""
    if getattr(context.config.cmd_opts, "purge", False):
        return  # the way out was taken
    for revision in context.get_context().get_current_heads():
        try:
            context.script.get_revision(revision)
        except CommandError as error:
            raise CommandError(UNKNOWN.format(revision=revision)) from error
    connection.rollback()


def migrate(connection: Connection) -> None:
    """Run the migrations asked for, each in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        **comparison(),
    )
    refuse_unknown(connection)
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    provide(connection)
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


async def run() -> None:
    """Migrate on one connection while another one holds the lock."""
    url = database_url()
    engine = create_async_engine(url, pool_size=2, connect_args={"timeout": 10})
    try:
        try:
            await (await engine.connect()).close()
        except (OSError, DBAPIError, PostgresError) as error:
            # Without the traceback, which says no more.
            place = url.render_as_string(hide_password=True)
            raise CommandError(f"The database {place} can't be reached: {error}") from error
        async with engine.connect() as turn, engine.connect() as connection:
            await turn.run_sync(wait_for_turn)
            await connection.run_sync(migrate)
            await connection.run_sync(grant_to_application)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(url=database_url(), target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(run())
