"""The role that the application connects as: it reads and writes rows, and nothing more."""

import base64
import hashlib
import hmac
import os
import sys
from collections.abc import Iterator
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, Row, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from kernel.db.tables import metadata

ITERATIONS = 4096  # as PostgreSQL itself, by scram_iterations
# The owner's tables, of this revision and of those to come.
GRANTS = """\
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {role};
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {role}"""
# Of a table whose info says `{"rights": "SELECT"}`: the role has no other ones.
FEWER = """\
REVOKE ALL ON {table} FROM {role};
GRANT {rights} ON {table} TO {role}"""
OWNER = """\
SELECT rolname, rolsuper OR rolcreaterole AS makes_roles, current_database() AS database,
       to_regclass('alembic_version') IS NOT NULL AS migrated
FROM pg_roles WHERE rolname = current_user"""
OURS = """\
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       OR pg_has_role(rolname, 'MEMBER WITH ADMIN OPTION')
FROM pg_roles WHERE rolname = :name"""
# For no other role; for the role they are among the functions of GRANTS.
WITH_OWNERS_RIGHTS = """\
SELECT CAST(CAST(oid AS regprocedure) AS text) FROM pg_proc WHERE prosecdef
AND pronamespace = CAST('public' AS regnamespace) AND proowner = CAST(current_user AS regrole)"""
MAY_READ = "SELECT has_table_privilege('pg_authid', 'SELECT')"  # superusers may
KEPT = "SELECT rolpassword FROM pg_authid WHERE rolname = :name"
ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
ONE_ROLE = (
    "The application's database role owns the tables, so it may drop them: set DATABASE_OWNER_URL "
    "to another role that migrates (docs/running/updating.md).\n"
)
# Whatever was granted to it otherwise.
MIGHTY = """\
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
       OR pg_has_role(oid, current_user, 'MEMBER') OR pg_has_role(oid, 'pg_database_owner', 'MEMBER')
       OR has_schema_privilege(oid, 'public', 'CREATE')
       OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
FROM pg_roles WHERE rolname = :name"""
TOO_MIGHTY = (
    "The application's database role {!r} may do more than read and write rows: it owns tables, "
    "belongs to a role that does, may create some, or has an attribute such as SUPERUSER. Name "
    "another one in DATABASE_URL; migrations make it (docs/running/updating.md).\n"
)
NOT_GRANTED = (
    "The migrations are done, but {!r} can't give the application's role {!r} its rights: {}. It "
    "must own all tables of the schema public (REASSIGN OWNED), and can't change a role that may do "
    "more than itself."
)


def grant(connection: Connection, application: URL, warn: bool = False) -> None:
    """Make the application's role unless it is there, and let it read and write rows.

    Safe to run again, and a password that is right already is left as it is, where the owner may
    read what is kept of it; nothing is done before the first migration. Where the owner is the
    application's role itself, nothing is done either. `warn` says on stderr where the application
    may do more than that. Raises CommandError where the owner may not do it.
    """
    owner = connection.execute(text(OWNER)).one()
    name = application.username or owner.rolname
    if name == owner.rolname:
        if warn:
            sys.stderr.write(ONE_ROLE)
        return
    if not owner.migrated:
        return
    try:
        _make(connection, name, application.password, owner)
        quote = connection.dialect.identifier_preparer.quote_identifier
        names = {"role": quote(name), "database": quote(owner.database)}
        for statements in (GRANTS.format(**names), *_fewer(connection, names["role"])):
            for statement in statements.split(";\n"):
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        # Not the statement, which may have what is kept of a password.
        reason = error.orig and error.orig.__cause__
        raise CommandError(NOT_GRANTED.format(owner.rolname, name, reason)) from None
    connection.commit()
    if warn and connection.scalar(text(MIGHTY), {"name": name}):
        sys.stderr.write(TOO_MIGHTY.format(name))


def _fewer(connection: Connection, role: str) -> Iterator[str]:
    """What takes rights again: from the role, in tables that are there at this revision; from all
    others, to call what has the owner's."""
    quote = connection.dialect.identifier_preparer.quote
    for table in metadata.tables.values():
        rights, name = table.info.get("rights"), quote(table.name)
        if rights and connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}):
            yield FEWER.format(table=name, role=role, rights=rights)
    for function in connection.scalars(text(WITH_OWNERS_RIGHTS)):
        yield f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC"


def _make(connection: Connection, name: str, password: str | None, owner: Row[Any]) -> None:
    role = connection.dialect.identifier_preparer.quote_identifier(name)
    ours = connection.scalar(text(OURS), {"name": name})  # None: it isn't there
    secret = f" PASSWORD '{verifier(password)}'" if password else ""
    kept = (
        connection.scalar(text(KEPT), {"name": name}) if connection.scalar(text(MAY_READ)) else ""
    )
    if ours is None and not owner.makes_roles:
        raise CommandError(
            f"The application's role {name!r} isn't there, and {owner.rolname!r} may not make it. "
            f"Let an administrator run: CREATE ROLE {role} {ATTRIBUTES} PASSWORD '...'"
        )
    if ours is None:
        connection.exec_driver_sql(f"CREATE ROLE {role} {ATTRIBUTES}{secret}")
    elif password and ours and not fits(password, kept or ""):
        connection.exec_driver_sql(f"ALTER ROLE {role}{secret}")


def fits(password: str, kept: str) -> bool:
    """Whether that is kept of the password. A new salt would part it from PgBouncer's copy."""
    scheme, _, rest = kept.partition("$")
    if scheme != "SCRAM-SHA-256":
        return False
    iterations, _, salt = rest.partition("$")[0].partition(":")
    same = verifier(password, base64.b64decode(salt), int(iterations))
    return hmac.compare_digest(kept.encode(), same.encode())


def verifier(password: str, salt: bytes = b"", iterations: int = ITERATIONS) -> str:
    """What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803), so that no log sees it."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"
