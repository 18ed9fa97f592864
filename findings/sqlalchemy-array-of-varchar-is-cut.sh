#!/usr/bin/env bash
# SQLAlchemy 2.1.9 on asyncpg: items of an ARRAY(String(3)) that are longer are cut in silence.
#
# A good guess: as for a column String(3), PostgreSQL refuses a longer value (22001).
# Seen: a String's parameter is cast to VARCHAR without its length, an array's to VARCHAR(3)[]; and
# a cast that is written out cuts, by the SQL standard.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlalchemy==2.1.9 asyncpg==0.32.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from sqlalchemy import ARRAY, Column, MetaData, String, Table, insert
from sqlalchemy.dialects.postgresql import asyncpg

print("sqlalchemy", version("sqlalchemy"))
table = Table("t", MetaData(), Column("one", String(3)), Column("many", ARRAY(String(3))))
sql = str(insert(table).values(one="abcdef", many=["abcdef"]).compile(dialect=asyncpg.dialect()))
print(sql)
assert "$1::VARCHAR," in sql, "changed: the scalar's cast has a length"
assert "$2::VARCHAR(3)[]" in sql, "changed: the array's cast has no length"
PYTHON
