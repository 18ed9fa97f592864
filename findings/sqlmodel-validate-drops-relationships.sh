#!/usr/bin/env bash
# sqlmodel 0.0.50: model_validate() and sqlmodel_update() drop a relationship; the constructor takes it.
#
# A good guess: what Team(heroes=[...]) takes, Team.model_validate({...}, update={"heroes": [...]}) and
# team.sqlmodel_update({"heroes": [...]}) take, too, or refuse.
# Seen: both look at pydantic's fields only, and relationships are none: the children are left out
# without a word, and the commit stores the parent alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    sqlmodel==0.0.50 sqlalchemy==2.1.9 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from sqlmodel import Field, Relationship, SQLModel


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    heroes: list["Hero"] = Relationship(back_populates="team")


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: Team | None = Relationship(back_populates="heroes")


def heroes() -> list[Hero]:
    return [Hero(name="ann")]


made = Team(name="red", heroes=heroes())
validated = Team.model_validate({"name": "red"}, update={"heroes": heroes()})
updated = Team(name="red")
updated.sqlmodel_update({"name": "blue", "heroes": heroes()})
seen = {"constructor": len(made.heroes), "model_validate": len(validated.heroes)}
seen["sqlmodel_update"] = len(updated.heroes)
print("sqlmodel", version("sqlmodel"), "- heroes by", seen)
assert seen == {"constructor": 1, "model_validate": 0, "sqlmodel_update": 0}, "changed"
PYTHON
