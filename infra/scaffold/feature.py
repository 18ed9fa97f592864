"""A feature's names and parts, as its templates ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.checks.json_size import text_size
from infra.checks.sizes import MOST
from infra.scaffold.columns import LISTED, MAX_LENGTHS, Column
from infra.scaffold.fields import Field
from infra.scaffold.machine import machine
from infra.scaffold.names import camel, singular
from infra.scaffold.relations import children, links, references
from infra.scaffold.targets import Target

MOST_IN_MODELS = 9  # columns that fit into one file with their shapes
ROW = 150  # bytes of what every row shows
LEAST = 100  # characters of a text, or a list says nothing of it
HEAVY = ("json", "array", "bytes")  # too large for each row of a list


@dataclass(frozen=True)
class Options:
    """What is asked for beside the fields."""

    public: bool = False
    superuser: bool = False
    singular: str = ""
    key: str = "int"
    transitions: str = ""
    tasks: bool = False
    schedule: bool = False
    settings: bool = False
    seed: bool = False
    rate_limit: bool = False
    requires: str = ""


class Feature:
    """The feature's names and parts, as the templates ask for them."""

    def __init__(self, name: str, fields: Sequence[Field], options: Options) -> None:
        self.plural, self.options = name, options
        self.single = options.singular or singular(name)
        self.model, self.models = camel(self.single), camel(name)
        self.owned = any(field.type == "user" and field.name == "owner" for field in fields)
        plain = [Column(self.model, field) for field in fields if not field.kind.is_relation]
        self.machine = machine(options.transitions, plain)
        self.references = references(self.model, fields, self.owned)
        self.children = children(self.model, self.single, fields)
        self.links = links(self.model, self.single, fields)
        self.every_column = [*plain, *self.references]
        # What a client sends: a state changes by a route of its own.
        fixed = self.machine.column if self.machine else None
        self.columns = [column for column in self.every_column if column is not fixed]

    @property
    def whole(self) -> bool:
        """Whether a row is shown with rows of other tables."""
        return bool(self.children or self.links)

    @property
    def heavy(self) -> list[Column]:
        """What is shown with one row only."""
        return [column for column in self.columns if column.field.type in HEAVY]

    @property
    def detailed(self) -> bool:
        """Whether one row is shown with more than lists have of each."""
        return self.whole or bool(self.heavy)

    @property
    def gated(self) -> bool:
        """Whether all writes need the permission, and not only the steps between states."""
        return bool(self.options.requires) and self.machine is None

    @property
    def split(self) -> bool:
        """Whether the shapes of requests and answers have a file of their own, schemas.py."""
        return self.whole or len(self.every_column) > MOST_IN_MODELS

    @property
    def is_personal(self) -> bool:
        """Whether its rows belong to people, or name some."""
        return self.owned or any(target.is_personal for target in self.targets)

    @property
    def goes_first(self) -> bool:
        """Whether an owner's rows must be erased before others of the owner's."""
        return self.owned and any(target.owner for target in self.targets)

    @property
    def kept(self) -> dict[str, bool]:
        """The columns that name a person's rows, which stay when those go; whether these wait."""
        found = {
            f"{self.single}.{column.field.name}": column.waits
            for column in self.references
            if column.is_personal and (column.target.is_user or not self.owned)
        }
        for link in self.links:
            if link.target is not None and link.target.owner and not self.owned:
                found[f"{link.table}.{link.single}_id"] = True
        return found

    @property
    def valued(self) -> list[Column]:
        """The columns that a client fills by itself."""
        return [column for column in self.columns if column not in self.references]

    @property
    def texts(self) -> list[Column]:
        """What lists show the beginning of."""
        texts = [column for column in self.columns if column.field.type == "text"]
        return [column for column in texts if most_of(column) > self.listed]

    @property
    def listed(self) -> int:
        """How many characters of a text lists show, so that a page has room for 100 rows; or 0."""
        shown = [column for column in self.every_column if column not in self.heavy]
        rest = ROW + sum(column.bytes + len(column.field.name) + 5 for column in shown)
        texts = [column for column in shown if column.field.type == "text"]
        rest -= sum(column.bytes for column in texts)
        for limit in range(LISTED, LEAST - 1, -50):
            if rest + sum(text_size(min(most_of(one), limit)) for one in texts) <= MOST / 100 - 20:
                return limit
        return 0

    @property
    def targets(self) -> list[Target]:
        """The features that rows refer to, each once."""
        found = [column.target for column in self.references]
        found += [link.target for link in self.links if link.target is not None]
        return list({one.feature: one for one in found}.values())


def most_of(text: Column) -> int:
    """How many characters it may have."""
    return text.field.maximum or MAX_LENGTHS["text"]
