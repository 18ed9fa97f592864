#!/usr/bin/env bash
# alembic-postgresql-enum 1.11.0: op.add_enum_value(..., before_value="b") writes ADD VALUE ... AFTER 'b'.
#
# A good guess: a revision that adds "a" before "b" leaves the enum in the model's order, a, b.
# Seen: the SQL says AFTER, so PostgreSQL has b, a, and orders rows by the column so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    alembic-postgresql-enum==1.11.0 alembic==1.20.1 sqlalchemy==2.1.9
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from io import StringIO

import alembic_postgresql_enum  # noqa: F401 registers op.add_enum_value
from alembic.migration import MigrationContext
from alembic.operations import Operations

print("alembic-postgresql-enum", version("alembic-postgresql-enum"))
written = StringIO()
options = {"as_sql": True, "output_buffer": written}
context = MigrationContext.configure(dialect_name="postgresql", opts=options)
with context.begin_transaction(), Operations.context(context) as op:
    op.add_enum_value("public", "state", "draft", before_value="published")
sql = " ".join(written.getvalue().split())
print("asked for: draft before published; written:", sql)
assert "ADD VALUE 'draft' AFTER 'published'" in sql, "changed: no longer AFTER"
PYTHON
