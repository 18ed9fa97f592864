"""The application's role reads entries and can neither make, change nor remove them."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
from asyncpg import exceptions
from sqlalchemy import make_url

from features.audit.models import KEPT_DAYS
from infra.local import databases
from tests.test_database_role import granted

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
RIGHTS = """\
SELECT has_table_privilege($1, 'audit_entry', 'SELECT') AS reads,
    has_table_privilege($1, 'audit_entry', 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes,
    has_function_privilege($1, 'purge_audit_entries()', 'EXECUTE') AS purges,
    has_function_privilege('public', 'purge_audit_entries()', 'EXECUTE') AS others_purge"""
ENTRY = """\
INSERT INTO audit_entry (created_at, actor_id, act, subject, subject_id, changes)
VALUES (now() - interval '{days} days', 1, 'update', 'user', '{days}', '{{}}')"""


@pytest.fixture
async def application(database_url: str) -> AsyncIterator[Connection]:
    """A connection of the role that a thief of its password would have."""
    async with databases.connected(database_url) as connection:
        yield connection


async def ages(connection: Connection) -> list[int]:
    rows = await connection.fetch("SELECT subject_id FROM audit_entry ORDER BY created_at")
    return [int(row["subject_id"]) for row in rows]


@pytest.mark.parametrize(
    "statement",
    [
        ENTRY.format(days=0),
        "UPDATE audit_entry SET actor_id = 2",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry ADD COLUMN more int",
        "DROP TABLE audit_entry",
        'ALTER TABLE "user" DISABLE TRIGGER audit',
        'DROP TRIGGER audit ON "user"',
        "DROP FUNCTION audit_change()",
        "ALTER FUNCTION purge_audit_entries() SET search_path = pg_temp",
        "SET session_replication_role = replica",
        "SELECT setval('audit_entry_id_seq', 1)",
    ],
)
async def test_it_can_change_nothing(
    application: Connection, owner_url: str, statement: str
) -> None:
    await databases.execute(owner_url, ENTRY.format(days=1000))

    with pytest.raises(exceptions.InsufficientPrivilegeError):
        await application.execute(statement)

    assert await ages(application) == [1000]


@pytest.mark.parametrize("days", ["", "0", "-5", "1", str(KEPT_DAYS)])
async def test_it_can_remove_none_that_is_younger_than_the_bound(
    application: Connection, owner_url: str, days: str
) -> None:
    for age in (1000, KEPT_DAYS + 1, KEPT_DAYS - 1, 0):
        await databases.execute(owner_url, ENTRY.format(days=age))

    await application.execute("SELECT set_config('audit.days', $1, false)", days)
    removed = await application.fetchval("SELECT purge_audit_entries()")

    assert removed == 2
    assert await ages(application) == [KEPT_DAYS - 1, 0]


async def test_a_function_of_the_same_name_on_its_search_path_is_not_called(
    application: Connection, owner_url: str
) -> None:
    await databases.execute(owner_url, ENTRY.format(days=1000))
    await application.execute("SET search_path = pg_temp, pg_catalog")

    assert await application.fetchval("SELECT public.purge_audit_entries()") == 1


async def test_rights_are_taken_again_after_each_migration(
    database_url: str, owner_url: str
) -> None:
    role = make_url(database_url).username
    await databases.execute(owner_url, f"GRANT ALL ON audit_entry TO {role}")
    await databases.execute(owner_url, "GRANT EXECUTE ON FUNCTION purge_audit_entries() TO PUBLIC")

    await granted(owner_url, make_url(database_url))

    # The tests' role may make tables for them, which no role of an application may.
    await databases.execute(owner_url, f"GRANT CREATE ON SCHEMA public TO {role}")
    name = make_url(owner_url).database
    await databases.execute(owner_url, f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC")
    async with databases.connected(owner_url) as owner:
        rights = await owner.fetchrow(RIGHTS, role)
    assert rights is not None
    assert dict(rights) == {"reads": True, "writes": False, "purges": True, "others_purge": False}
