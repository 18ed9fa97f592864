"""What a feature may refer to: the tables of other features, as their modules have them."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import ARRAY, Column, DateTime, Enum, Table, Uuid

from infra.scaffold.errors import ScaffoldError
from kernel import discovery
from kernel.db.cursors import kind_of

OWNERS = ("owner_id", "created_by_user_id")
# Names that factories.py has otherwise.
TAKEN = ("Any", "Decimal", "Mapping", "People", "Person")


@dataclass(frozen=True)
class Target:
    """A table that rows can refer to."""

    feature: str
    model: str
    crud: str
    table: Table
    owner: str | None  # the column that says whose a row is

    @property
    def key(self) -> str:
        """The type of its key."""
        [column] = self.table.primary_key
        return "UUID" if isinstance(column.type, Uuid) else "int"

    @property
    def path(self) -> str:
        """What a foreign key names."""
        return f"{self.table.name}.id"

    @property
    def is_user(self) -> bool:
        return self.table.name == "user"

    @property
    def is_personal(self) -> bool:
        """Whether its rows are people's, or go with one."""
        return self.is_user or self.owner is not None

    @property
    def label(self) -> str:
        return self.table.name.replace("_", " ")

    @property
    def imported(self) -> str:
        """The model as an import names it."""
        return f"{self.model} as {self.local}" if self.local != self.model else self.model

    @property
    def local(self) -> str:
        """The model's name where it is imported."""
        return f"{self.model}Row" if self.model in TAKEN else self.model

    @property
    def row(self) -> str:
        """A new row of it, in Python, whose owner is `person`."""
        values = {column.name: self._value(column) for column in self.table.columns}
        given = ", ".join(f"{name}={value}" for name, value in values.items() if value)
        return f"{self.local}({given})"

    def _value(self, column: Column[Any]) -> str | None:
        """A value for the column; None where it needs none."""
        filled = column.primary_key or column.nullable or column.default or column.server_default
        if column.name in OWNERS:
            return "person.id"
        if filled:
            return None
        if column.foreign_keys:
            raise ScaffoldError(
                f"A {self.label} refers to other rows itself ({column.name}), so tests can't make "
                f"one by the way. Leave the reference out, and write it by hand."
            )
        if isinstance(column.type, Enum):
            return repr(column.type.enums[0])
        if isinstance(column.type, ARRAY):
            return "[]"
        if isinstance(column.type, DateTime):
            return "now()"
        length = min(getattr(column.type, "length", None) or 32, 32)
        kinds = {"str": f"uuid4().hex[:{length}]", "int": "1", "bool": "False", "float": "1.0"}
        kinds |= {"Decimal": 'Decimal("1")', "date": "date(2030, 1, 1)", "bytes": 'b""'}
        kinds |= {"UUID": "uuid4()", "timedelta": "timedelta(1)", "dict": "{}"}
        value = kinds.get(getattr(kind_of(column), "__name__", ""))
        if value is None:
            raise ScaffoldError(
                f"{self.label}.{column.name}: tests can't make a value of its type."
            )
        return value


def target(feature: str, field: str) -> Target:
    """The table of that feature. Raises ScaffoldError for a feature without one."""
    known = discovery.load("models")
    if feature not in known:
        raise ScaffoldError(
            f"{field}: there is no feature {feature} to refer to. There are {', '.join(known)}."
        )
    try:
        crud = import_module(f"features.{feature}.crud")
    except ModuleNotFoundError:
        raise ScaffoldError(
            f"{field}: {feature} has no crud.py, by which its rows are found."
        ) from None
    cruds = {key: value for key, value in vars(crud).items() if isinstance(value, FastCRUD)}
    named = next((key for key in (f"crud_{feature}", *cruds) if key in cruds), None)
    model = cruds[named].model if named else None
    if named is None or [column.name for column in model.__table__.primary_key] != ["id"]:  # type: ignore[union-attr]
        raise ScaffoldError(
            f"{field}: {feature} has no table with a key id, and a FastCRUD in crud.py."
        )
    assert model is not None
    owner = next((name for name in OWNERS if name in model.__table__.columns), None)
    return Target(feature, model.__name__, named, model.__table__, owner)
