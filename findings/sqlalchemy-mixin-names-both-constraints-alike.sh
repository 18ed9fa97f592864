#!/usr/bin/env bash
# sqlalchemy 2.1.9 (with sqlmodel 0.0.50): a constraint in a shared base bears the first table's name twice.
#
# A good guess: as columns of a mixin are copied for each table, so is the CheckConstraint or
# UniqueConstraint of its __table_args__, and the naming convention names each by its table.
# Seen: there is one object for both. The convention names it for the first table and the second takes
# that name: `ck_invoice_positive` on receipt, and for UNIQUE the second CREATE TABLE fails in
# PostgreSQL, since its index exists. A @declared_attr that makes new ones helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    sqlmodel==0.0.50 sqlalchemy==2.1.9 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PYTHON'
import re
from importlib.metadata import version

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
}


class Numbered(SQLModel):
    __table_args__ = (CheckConstraint("total > 0", name="positive"), UniqueConstraint("number"))
    id: int | None = Field(default=None, primary_key=True)
    number: str
    total: int


class Invoice(Numbered, table=True):
    pass


class Receipt(Numbered, table=True):
    pass


print("sqlalchemy", version("sqlalchemy"), "sqlmodel", version("sqlmodel"))
for model in (Invoice, Receipt):
    ddl = str(CreateTable(model.__table__).compile(dialect=postgresql.dialect()))
    names = sorted(re.findall(r"CONSTRAINT (\w+)", ddl))
    print(f"{model.__tablename__}: {names}")
    assert names == ["ck_invoice_positive", "uq_invoice_number"], "changed: named by its table"
PYTHON
