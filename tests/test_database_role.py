"""The application's database role reads and writes rows, and can do nothing else."""

from collections.abc import AsyncIterator
from traceback import format_exception

import asyncpg
import pytest
from alembic.util import CommandError
from asyncpg import exceptions
from sqlalchemy import URL, Column, Connection, Integer, MetaData, Table, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from infra.local import databases
from kernel.config.database import DatabaseSettings
from kernel.config.loader import Settings
from migrations import roles
from migrations.roles import ONE_ROLE, TOO_MIGHTY, grant

PASSWORD = "p:w%d'\"$1 ü"


def role_of(owner_url: str, suffix: str = "reader") -> str:
    """A name that no other process' tests take: roles belong to the server, not to a database."""
    return f"{make_url(owner_url).database}_{suffix}"


async def granted(owner: str, application: URL, warn: bool = False) -> None:
    """What a migration does at its end, as the owner."""
    engine = create_async_engine(make_url(owner).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: run(sync, application, warn))
    finally:
        await engine.dispose()


def run(connection: Connection, application: URL, warn: bool) -> None:
    grant(connection, application, warn)


@pytest.fixture
async def address(owner_url: str) -> AsyncIterator[URL]:
    """The application's, whose role a migration has made, and made again."""
    role = role_of(owner_url)
    address = make_url(owner_url).set(username=role, password=PASSWORD)
    for _ in range(2):
        await granted(owner_url, address)
    yield address
    await databases.execute(owner_url, f"DROP OWNED BY {role}")
    await databases.execute(owner_url, f"DROP ROLE {role}")
    # Of the database, which other tests go on with.
    await databases.execute(owner_url, f"GRANT TEMPORARY ON DATABASE {address.database} TO PUBLIC")


@pytest.fixture
async def application(address: URL) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    async with databases.connected(address.render_as_string(hide_password=False)) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.own (n int)",
        "CREATE TEMPORARY TABLE own (n int)",
        "CREATE SCHEMA own",
        "CREATE ROLE own",
        "CREATE DATABASE own",
        "CREATE EXTENSION citext",
        'DROP TABLE "user"',
        'TRUNCATE "user"',
        'ALTER TABLE "user" ADD COLUMN own int',
        'CREATE INDEX ON "user" (name)',
        "COPY \"user\" TO PROGRAM 'true'",
        "COPY \"user\" TO '/tmp/users'",
        "SELECT pg_read_file('postgresql.conf')",
        "UPDATE alembic_version SET version_num = 'x'",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SET ROLE postgres",
    ],
)
async def test_it_changes_nothing_but_rows(
    application: "asyncpg.Connection[asyncpg.Record]", statement: str
) -> None:
    with pytest.raises(exceptions.InsufficientPrivilegeError):
        await application.execute(statement)


async def test_it_reads_and_writes_rows_also_of_tables_that_come_later(
    application: "asyncpg.Connection[asyncpg.Record]", owner_url: str
) -> None:
    await databases.execute(owner_url, "CREATE TABLE later (id serial, n int)")
    try:
        await application.execute("INSERT INTO later (n) VALUES (1), (2)")
        await application.execute("UPDATE later SET n = 3 WHERE n = 1")
        await application.execute("DELETE FROM later WHERE n = 2")
        assert await application.fetchval("SELECT n FROM later") == 3
        assert await application.fetchval("SELECT count(*) FROM session") == 0
        assert await application.fetchval("SELECT count(*) FROM alembic_version") >= 1
    finally:
        await databases.execute(owner_url, "DROP TABLE later")


async def test_it_may_do_less_with_a_table_that_says_so(
    application: "asyncpg.Connection[asyncpg.Record]",
    address: URL,
    owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = MetaData()
    Table("later", metadata, Column("n", Integer), info={"rights": "SELECT, INSERT"})
    Table("missing", metadata, info={"rights": "SELECT"})
    monkeypatch.setattr(roles, "metadata", metadata)
    await databases.execute(owner_url, "CREATE TABLE later (n int)")
    try:
        await granted(owner_url, address)
        await application.execute("INSERT INTO later VALUES (1)")
        for statement in ("UPDATE later SET n = 2", "DELETE FROM later"):
            with pytest.raises(exceptions.InsufficientPrivilegeError):
                await application.execute(statement)
        assert await application.fetchval("SELECT n FROM later") == 1
    finally:
        await databases.execute(owner_url, "DROP TABLE later")


async def test_it_alone_calls_what_has_the_owner_s_rights(
    application: "asyncpg.Connection[asyncpg.Record]", address: URL, owner_url: str
) -> None:
    made = "CREATE FUNCTION later() RETURNS int SECURITY DEFINER RETURN 3"
    await databases.execute(owner_url, made)
    try:
        await granted(owner_url, address)
        public = "SELECT has_function_privilege('public', 'later()', 'EXECUTE')"
        assert await application.fetchval("SELECT later()") == 3
        assert await application.fetchval(public) is False
    finally:
        await databases.execute(owner_url, "DROP FUNCTION later")


async def test_it_calls_functions_that_come_later_also_where_the_public_may_not(
    application: "asyncpg.Connection[asyncpg.Record]", owner_url: str
) -> None:
    for_all = "ALTER DEFAULT PRIVILEGES {} EXECUTE ON FUNCTIONS {} PUBLIC"
    await databases.execute(owner_url, for_all.format("REVOKE", "FROM"))
    try:
        await databases.execute(owner_url, "CREATE FUNCTION later() RETURNS int RETURN 3")
        assert await application.fetchval("SELECT later()") == 3
    finally:
        await databases.execute(owner_url, for_all.format("GRANT", "TO"))
        await databases.execute(owner_url, "DROP FUNCTION IF EXISTS later")


@pytest.mark.parametrize(
    "more",
    [
        "ALTER ROLE {role} SUPERUSER",
        "ALTER ROLE {role} CREATEDB",
        "GRANT {owner} TO {role}",
        "CREATE TABLE own (); ALTER TABLE own OWNER TO {role}",
    ],
)
async def test_a_role_that_may_do_more_is_told_of(
    address: URL, owner_url: str, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    role = str(address.username)
    await granted(owner_url, address, warn=True)
    assert capsys.readouterr().err == ""
    owner = make_url(owner_url).username

    await databases.execute(owner_url, more.format(role=role, owner=owner))
    await granted(owner_url, address, warn=True)

    assert capsys.readouterr().err == TOO_MIGHTY.format(role)


async def test_a_new_password_is_set_by_the_next_migration(address: URL, owner_url: str) -> None:
    changed = address.set(password="another one")

    await granted(owner_url, changed)

    with pytest.raises(exceptions.InvalidPasswordError):
        await databases.execute(address.render_as_string(hide_password=False), "SELECT 1")
    await databases.execute(changed.render_as_string(hide_password=False), "SELECT 1")


@pytest.mark.parametrize("iterations", [4096, 5000])
async def test_a_password_that_is_right_already_is_left_as_it_is(
    address: URL, owner_url: str, iterations: int
) -> None:
    role = str(address.username)
    async with databases.connected(owner_url) as server:
        # As PostgreSQL itself makes it, whatever it was made with.
        await server.execute(f"SET scram_iterations = {iterations}")
        await server.execute("SET password_encryption = 'scram-sha-256'")
        quoted = PASSWORD.replace("'", "''")
        await server.execute(f"ALTER ROLE {role} PASSWORD '{quoted}'")
        kept = await server.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", role)

        await granted(owner_url, address)

        again = await server.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", role)
    assert again == kept
    assert f"${iterations}:" in kept


@pytest.mark.parametrize("kept", ["NULL", "'md5' || md5('of an old server')"])
async def test_a_role_without_a_password_of_that_kind_gets_one(
    address: URL, owner_url: str, kept: str
) -> None:
    role = str(address.username)
    async with databases.connected(owner_url) as server:
        await server.execute(f"UPDATE pg_authid SET rolpassword = {kept} WHERE rolname = '{role}'")  # noqa: S608

    await granted(owner_url, address)

    await databases.execute(address.render_as_string(hide_password=False), "SELECT 1")


async def test_an_owner_that_makes_no_roles_says_who_can(address: URL, owner_url: str) -> None:
    missing = address.set(username="test_missing")

    with pytest.raises(CommandError, match='CREATE ROLE "test_missing" LOGIN NOSUPERUSER'):
        await granted(address.render_as_string(hide_password=False), missing)


async def test_an_owner_needs_no_more_than_to_make_roles(owner_url: str) -> None:
    address, role, name = make_url(owner_url), role_of(owner_url), role_of(owner_url, "owner")
    owner = address.set(username=name, database=name)
    await databases.execute(
        owner_url, f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{address.password}'"
    )
    await databases.execute(owner_url, f"CREATE DATABASE {name} OWNER {name}")
    try:
        owned = owner.render_as_string(hide_password=False)
        await databases.execute(owned, "CREATE TABLE alembic_version (version_num text)")
        for password in ("first", "second"):
            application = owner.set(username=role, password=password)
            await granted(owned, application)

            plain = application.render_as_string(hide_password=False)
            await databases.execute(plain, "SELECT * FROM alembic_version")

        server = address.set(database=name).render_as_string(hide_password=False)
        for statement in ("CREATE TABLE other ()", f"ALTER ROLE {role} SUPERUSER"):
            await databases.execute(server, statement)
            with pytest.raises(CommandError, match="must own all tables") as refused:
                await granted(owned, application)
            assert "permission denied" in str(refused.value)
            assert "SCRAM" not in "".join(format_exception(refused.value))
            await databases.execute(server, "DROP TABLE IF EXISTS other")
    finally:
        await databases.drop(owner_url, name)
        await databases.execute(owner_url, f"DROP ROLE IF EXISTS {role}, {name}")


async def test_one_role_for_both_is_left_as_it_is_and_told_of(
    owner_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await granted(owner_url, make_url(owner_url), warn=True)

    assert capsys.readouterr().err == ONE_ROLE


@pytest.mark.parametrize(
    ("values", "owner"),
    [
        ({}, "postgresql+asyncpg://app:a@db:5432/app"),
        ({"DATABASE_OWNER_URL": "postgres://o:p@db/app"}, "postgresql+asyncpg://o:p@db/app"),
        (
            {"POSTGRES_OWNER_USER": "o", "POSTGRES_OWNER_PASSWORD": "p"},
            "postgresql+asyncpg://o:p@db:5432/app",
        ),
    ],
)
def test_the_owner_s_address_is_given_whole_or_in_parts(values: dict[str, str], owner: str) -> None:
    parts = {"POSTGRES_SERVER": "db", "POSTGRES_DB": "app", "POSTGRES_USER": "app"}
    settings = Settings({**parts, "POSTGRES_PASSWORD": "a", **values}).group(DatabaseSettings)

    assert settings.owner_url.render_as_string(hide_password=False) == owner
