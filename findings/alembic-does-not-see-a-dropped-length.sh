#!/usr/bin/env bash
# alembic 1.20.1: String(10) made String, or Numeric(10, 2) made Numeric, is no change to autogenerate.
#
# A good guess: with compare_type on (the default), a length that changes is seen, whichever way.
# Seen: 10 to 20 is seen; taking the limit away and setting a first one are not, since a length that
# one side lacks isn't compared. The revision is empty, `alembic check` is content, and the database
# goes on refusing (or taking) what the model allows (or refuses).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check alembic==1.20.1 sqlalchemy==2.1.9
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, Numeric, String, Table, create_engine
from sqlalchemy.types import TypeEngine


def changes(before: TypeEngine, after: TypeEngine) -> list[str]:
    """What autogenerate finds when a column of the first type becomes one of the second."""
    engine, stored, wanted = create_engine("sqlite://"), MetaData(), MetaData()
    Table("invoice", stored, Column("number", before))
    Table("invoice", wanted, Column("number", after))
    with engine.begin() as connection:
        stored.create_all(connection)
        found = compare_metadata(MigrationContext.configure(connection), wanted)
    return [each[0][0] for each in found]


print("alembic", version("alembic"))
for before, after, expected in (
    (String(10), String(20), ["modify_type"]),
    (String(10), String(), []),
    (String(), String(10), []),
    (Numeric(10, 2), Numeric(10, 4), ["modify_type"]),
    (Numeric(10, 2), Numeric(), []),
):
    found = changes(before, after)
    print(f"{before!r} -> {after!r}: {found}")
    assert found == expected, "changed: another comparison"
PYTHON
