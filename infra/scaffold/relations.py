"""Rows that belong together: references, rows of its own that a row has many of, links."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.scaffold.columns import Column
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.fields import Field, parse
from infra.scaffold.kinds import KINDS
from infra.scaffold.names import camel, check_field, singular
from infra.scaffold.targets import Target, target

# What each of many is made of when nothing else is said.
DEFAULT = "name=str"
PART = re.compile(r",(?=[a-z][a-z0-9_]*=)")  # but not the comma of decimal:10,2
TEXT_OF_MANY = 1000  # characters
ROOM = 700_000  # bytes of an answer's 1 MiB (infra/checks/sizes.py) for all of them
FEWEST = 20  # of which the gates make a row (tests/gates/test_lists.py)
PLAIN = (
    frozenset(KINDS)
    - {"enum", "json", "array", "bytes", "user", "references"}
    - {
        "has_many",
        "many_to_many",
    }
)


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another feature."""

    field: Field  # of the column: customer_id
    target: Target

    @property
    def name(self) -> str:
        return self.field.name.removesuffix("_id")


class ReferenceColumn(Column):
    """How the reference stands in models.py."""

    def __init__(self, model: str, reference: Reference) -> None:
        super().__init__(model, reference.field)
        self.target, self.name = reference.target, reference.name
        self._plain = self.target.key == "UUID"

    @property
    def definition(self) -> None:
        return None

    @property
    def type(self) -> str:
        return "UUID" if self._plain else "Annotated[RowId, JsonNumber]"

    @property
    def read(self) -> str:
        return self.target.key + " | None" * self.field.optional

    @property
    def declared(self) -> str:
        kind = self.type + " | None" * self.field.optional
        default = "default=None, " if self.field.optional else ""
        gone = "RESTRICT" if self.waits else "SET NULL"
        return f'{kind} = Column({default}foreign_key="{self.target.path}", ondelete="{gone}")'

    @property
    def is_personal(self) -> bool:
        return self.target.is_personal

    @property
    def waits(self) -> bool:
        """Whether what it names can't go before it."""
        return not (self.target.is_user and self.field.optional)

    @property
    def example(self) -> str:
        """As the documentation shows it."""
        return '"01936f6e-0000-7000-8000-00000000fff1"' if self._plain else "1"

    @property
    def asked(self) -> str:
        return "UUID | None" if self._plain else "RowId | None"


@dataclass(frozen=True)
class Children:
    """Rows of its own that a row has many of: they come and go with it."""

    field: Field
    model: str
    table: str
    single: str
    columns: list[Column]
    most: int  # that a row may have


@dataclass(frozen=True)
class Links:
    """A table between two: to rows of another feature, or to names that it keeps itself."""

    field: Field
    model: str  # of the link, or of the name
    table: str
    single: str
    target: Target | None

    @property
    def attribute(self) -> str:
        """What a client sends and is shown."""
        return f"{self.single}_ids" if self.target else self.field.name


def references(model: str, fields: Sequence[Field], owned: bool) -> list[ReferenceColumn]:
    """The columns of the fields that refer to one row."""
    found = []
    for field in fields:
        if field.type == "references" or (field.type == "user" and not _is_owner(field, owned)):
            feature = field.argument if field.type == "references" else "users"
            named = replace(field, name=f"{field.name.removesuffix('_id')}_id")
            found.append(ReferenceColumn(model, Reference(named, target(feature, field.name))))
    return found


def _is_owner(field: Field, owned: bool) -> bool:
    return owned and field.name == "owner"


def children(model: str, single: str, fields: Sequence[Field]) -> list[Children]:
    """What the fields say that there are many of. Raises ScaffoldError."""
    found = []
    kinds = [field.type for field in fields]
    for field in fields:
        if field.type == "has_many":
            one = singular(field.name)
            kind = f"{model}{camel(one)}"
            columns = [Column(kind, part) for part in _parts(field, one, single)]
            most = _most(field, columns, kinds.count("has_many"))
            for column in columns:
                column.alias = f"{camel(one)}{camel(column.field.name)}"
            found.append(Children(field, kind, f"{single}_{one}", one, columns, most))
    return found


def _most(field: Field, columns: list[Column], shared: int) -> int:
    """How many a row may have: 100, or as many as an answer has room for."""
    each = sum(column.bytes + len(column.field.name) + 5 for column in columns)
    most = min(100, ROOM // shared // each)
    if most < FEWEST:
        raise ScaffoldError(
            f"{field.name}: an answer of 1 MiB has room for {most} of {each:,} bytes. Give their "
            "fields a smaller max=."
        )
    return most


def _parts(field: Field, one: str, single: str) -> list[Field]:
    """The fields of each of many: `title=str:max=50,price=decimal:10,2`."""
    words = PART.split(field.argument or DEFAULT)
    parts = parse([word.replace("=", ":", 1) for word in words])
    for part in parts:
        check_field(part.name, one)
        if part.type not in PLAIN:
            raise ScaffoldError(f"{field.name}: each of many can't have a {part.type}.")
        if part.name == single:
            raise ScaffoldError(f"{field.name}: {part.name} is what they belong to.")
        if part.unique or part.index or part.search:
            raise ScaffoldError(
                f"{field.name}: {part.name} is shown with one row only, so it takes optional, max= "
                "and default=."
            )
    # As many of them are shown at once, a text is shorter than one that stands alone.
    return [
        replace(part, maximum=TEXT_OF_MANY) if part.type == "text" and not part.maximum else part
        for part in parts
    ]


def links(model: str, single: str, fields: Sequence[Field]) -> list[Links]:
    """The tables between two. Raises ScaffoldError for a feature that isn't there."""
    found = []
    for field in fields:
        if field.type == "many_to_many":
            one = singular(field.name)
            other = target(field.argument, field.name) if field.argument else None
            found.append(Links(field, f"{model}{camel(one)}", f"{single}_{one}", one, other))
    return found
