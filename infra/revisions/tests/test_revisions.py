"""`hatch run revision` writes what a change of models takes, and the check walks it."""

from pathlib import Path

import pytest

from infra.revisions.tests import types_models, zoo_models
from tests.copies import copy_to, run_module

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

ACCEPTED = """\
accepted = {
    "ban-drop-column": "a zoo",
    "becomes-required": "a zoo",
    "constraint-missing-not-valid": "a zoo",
}
"""
COUNTED = '''\
"""Zoos, whose number a list shows."""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel


class Zoo(SQLModel, table=True):
    __table_args__: ClassVar[Any] = {"info": {"counted_by": []}}

    id: int | None = Field(default=None, primary_key=True)
'''


OTHER = '''\
"""Another feature, with its own Status."""

from enum import StrEnum

from sqlmodel import Field, SQLModel


class Status(StrEnum):
    OPEN = "open"


class Other(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    status: Status
'''


class Feature:
    """A feature of models only, in a copy of the checkout."""

    def __init__(self, root: Path) -> None:
        self.root = copy_to(root / "copy")
        self.folder = self.root / "features" / "zoos"
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()

    def revise(self, models: str, message: str) -> tuple[int, str]:
        """Write the models and the revision; its exit code and output."""
        (self.folder / "models.py").write_text(models)
        run = run_module(self.root, "infra.revisions", message)
        return run.returncode, run.stdout + run.stderr

    def check(self, *steps: str) -> str:
        return run_module(self.root, "infra.checks", *steps).stdout

    def written(self, name: str) -> Path:
        [path] = (self.root / "migrations" / "versions").glob(f"????_??_??_{name}.py")
        return path


@pytest.fixture
def feature(tmp_path: Path) -> Feature:
    return Feature(tmp_path)


@pytest.mark.longest
def test_a_zoo_of_models_is_migrated_there_and_back_with_rows(feature: Feature) -> None:
    made = feature.revise(zoo_models.BEFORE, "make the zoo")
    changed = feature.revise(zoo_models.after(), "change the zoo")
    unaccepted = feature.check("migrations", "format", "lint")
    first, second = feature.written("change_the_zoo"), feature.written("second_step*")
    text = first.read_text()
    for path in (first, second):
        path.write_text(
            path.read_text().replace("\n\n\ndef upgrade", f"\n{ACCEPTED}\n\ndef upgrade", 1)
        )
    accepted = feature.check("migrations", "format", "lint")
    settled = feature.revise(zoo_models.after(), "nothing")

    assert (made[0], changed[0], settled[0]) == (0, 0, 0), (made, changed, settled)
    assert "Nothing changed" in settled[1]
    assert "failed" not in accepted, accepted
    assert "format       ok" in unaccepted
    assert "lint         ok" in unaccepted
    assert "ban-drop-column" in unaccepted
    assert "becomes-required" in unaccepted
    assert "VALIDATE CONSTRAINT ck_animal_legs" in second.read_text()
    assert "INCLUDE (legs) WHERE legs > 2" in second.read_text()
    assert "NULLS NOT DISTINCT" in text + second.read_text()
    assert "'shy' BEFORE 'wild'" in text


@pytest.mark.longest  # five runs, about what changes with its generator only
def test_every_type_is_migrated_there_and_back_with_rows(feature: Feature) -> None:
    """What the check compares are pg_enum, pg_get_indexdef and pg_get_constraintdef."""
    made = feature.revise(types_models.BEFORE, "make the types")
    first = feature.check("migrations", "format", "lint")
    changed = feature.revise(types_models.after(), "change the types")
    second = feature.check("migrations", "format", "lint")
    settled = feature.revise(types_models.after(), "nothing")
    text = feature.written("make_the_types").read_text()

    assert (made[0], changed[0], settled[0]) == (0, 0, 0), (made, changed, settled)
    assert "failed" not in first, first
    assert "failed" not in second, second
    assert "Nothing changed" in settled[1]
    assert '"it\'s blue: %"' in text
    assert "RED" not in text
    assert "import kernel" not in text
    assert "GREEN" not in feature.written("change_the_types").read_text()


def test_two_enums_of_one_name_are_named(feature: Feature) -> None:
    feature.revise(types_models.BEFORE, "make the types")
    other = feature.root / "features" / "others"
    other.mkdir()
    (other / "__init__.py").touch()
    (other / "models.py").write_text(OTHER)

    code, said = feature.revise(types_models.BEFORE, "make others")

    assert code == 1
    assert "features.others.models.Status and features.zoos.models.Status" in said
    assert 'Field(sa_type=Enum(Status, name="...")' in said


def test_a_new_table_whose_rows_are_counted_is_made_with_its_counter(feature: Feature) -> None:
    made = feature.revise(COUNTED, "make the zoo")

    text = feature.written("make_the_zoo").read_text()
    assert made[0] == 0, made[1]
    assert "info=" not in text
    assert "zoo_count" in text
    assert "failed" not in feature.check("migrations", "format", "lint")


def test_a_required_column_without_a_default_is_refused_by_name(feature: Feature) -> None:
    feature.revise(zoo_models.BEFORE, "make the zoo")

    changed = zoo_models.BEFORE + "    age: int\n"
    code, said = feature.revise(changed, "ages")

    assert code == 1
    assert "animal.age becomes required" in said
    assert not list((feature.root / "migrations" / "versions").glob("*_ages.py"))


def test_a_member_that_rows_hold_stops_the_check_when_it_goes(feature: Feature) -> None:
    feature.revise(zoo_models.BEFORE, "make the zoo")
    feature.revise(zoo_models.BEFORE.replace('    wild = "wild"\n', ""), "tame it")

    said = feature.check("migrations")

    assert "on tables with rows" in said
    assert "invalid input value for enum" in said


def test_what_the_way_down_leaves_behind_is_named(feature: Feature) -> None:
    feature.revise(zoo_models.BEFORE, "make the zoo")
    revision = feature.written("make_the_zoo")
    kept = [
        line for line in revision.read_text().splitlines() if ".drop(op.get_bind())" not in line
    ]
    revision.write_text("\n".join([*kept, ""]))

    assert "The way down leaves behind: enum mood." in feature.check("migrations")


def test_models_that_differ_where_alembic_does_not_look_are_named(feature: Feature) -> None:
    feature.revise(zoo_models.BEFORE, "make the zoo")
    models = feature.folder / "models.py"
    models.write_text(models.read_text().replace("legs >= 0", "legs >= 1"))

    said = feature.check("migrations")

    assert "constraint animal.ck_animal_legs: the migrations make 'CHECK (legs >= 0)'" in said
    assert "hatch run revision" in said


HOTEL = """\
\"\"\"A hotel, whose rooms are in a state of an enum.\"\"\"

from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Enum, Index, text
from sqlmodel import Field, SQLModel


class State(StrEnum):
{members}

STATE = Enum(State, name="state", values_callable=lambda kind: [member.value for member in kind])


class Room(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("state <> 'taken' OR id > 0", name="taken"),
        Index("ix_room_taken", "id", postgresql_where=text("state = 'taken'")),
{arguments}    )
    id: int | None = Field(default=None, primary_key=True)
    state: State = Field(sa_column=Column(STATE, nullable=False, server_default={default}))
{columns}"""
FREE = '    free = "free"\n    taken = "taken"\n'
BEFORE = HOTEL.format(members=FREE, arguments="", default='"free"', columns="")
AFTER = HOTEL.format(
    members=FREE.replace("    taken", '    clean = "it\'s: clean"\n    taken'),
    arguments="""\
        CheckConstraint("state <> 'it''s: clean' OR id > 0", name="clean"),
        Index("ix_room_clean", "id", postgresql_where=text("state = 'it''s: clean'")),
""",
    default='"it\'s: clean"',
    columns="""\
    wanted: State = Field(sa_column=Column(STATE, nullable=False, server_default="it's: clean"))
    before: State = Field(
        default=State.clean, sa_column=Column(STATE, nullable=False, default=State.clean)
    )
""",
)


@pytest.mark.longest  # four runs; that a member is added is seen by the zoo, too
def test_a_new_member_may_be_a_default_in_the_same_revision(feature: Feature) -> None:
    feature.revise(BEFORE, "make rooms")
    changed = feature.revise(AFTER, "clean rooms")
    settled = feature.revise(AFTER, "nothing")
    said = feature.check("migrations", "format", "lint")

    assert changed[0] == 0, changed
    assert "Nothing changed" in settled[1], settled
    assert "failed" not in said, said
