#!/usr/bin/env bash
# sqlmodel 0.0.50: a row that was loaded has no set fields and no private attributes.
#
# A good guess: a row from the database is like the one that was made: model_dump(exclude_unset=True)
# gives its columns, and a PrivateAttr has its default.
# Seen: SQLAlchemy makes loaded rows without __init__, so model_fields_set is empty, the dump is {}
# (an audit or a PATCH built on it does nothing), and reading the private attribute is a TypeError
# about NoneType that doesn't name it. Tests that make their rows themselves never see it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    sqlmodel==0.0.50 sqlalchemy==2.1.9 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from pydantic import PrivateAttr
from sqlalchemy.pool import StaticPool
from sqlmodel import Field, Session, SQLModel, create_engine, select


class Invoice(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    total: int
    _notes: list[str] = PrivateAttr(default_factory=list)


print("sqlmodel", version("sqlmodel"))
engine = create_engine("sqlite://", poolclass=StaticPool)
SQLModel.metadata.create_all(engine)
made = Invoice(total=5)
print("made:  ", made.model_dump(exclude_unset=True), made._notes)
assert made.model_dump(exclude_unset=True) == {"total": 5} and made._notes == []
with Session(engine) as session:
    session.add(made)
    session.commit()
with Session(engine) as session:
    loaded = session.exec(select(Invoice)).one()
    dumped = loaded.model_dump(exclude_unset=True)
    print("loaded:", dumped, "of", loaded.model_dump())
    assert dumped == {} and loaded.total == 5, "changed: loaded columns count as set"
    try:
        loaded._notes
    except TypeError as error:
        print("loaded._notes: TypeError:", error)
    else:
        raise SystemExit("changed: private attributes have their default")
PYTHON
