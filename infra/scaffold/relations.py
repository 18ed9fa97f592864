"""Rows that belong together: references, rows of its own that a row has many of, links."""

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
    for field in fields:
        if field.type == "has_many":
            one = singular(field.name)
            kind = f"{model}{camel(one)}"
            words = [word.replace("=", ":") for word in (field.argument or DEFAULT).split(",")]
            parts = parse(words)
            for part in parts:
                check_field(part.name, one)
                if part.type not in PLAIN:
                    raise ScaffoldError(f"{field.name}: each of many can't have a {part.type}.")
                if part.name == single:
                    raise ScaffoldError(f"{field.name}: {part.name} is what they belong to.")
            columns = [Column(kind, part) for part in parts]
            for column in columns:
                column.alias = f"{camel(one)}{camel(column.field.name)}"
            found.append(Children(field, kind, f"{single}_{one}", one, columns))
    return found


def links(model: str, single: str, fields: Sequence[Field]) -> list[Links]:
    """The tables between two. Raises ScaffoldError for a feature that isn't there."""
    found = []
    for field in fields:
        if field.type == "many_to_many":
            one = singular(field.name)
            other = target(field.argument, field.name) if field.argument else None
            found.append(Links(field, f"{model}{camel(one)}", f"{single}_{one}", one, other))
    return found
