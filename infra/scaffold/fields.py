"""The field language: `name:type[:argument][:modifier...]`, with nothing to quote in a shell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.scaffold.errors import ScaffoldError
from infra.scaffold.kinds import ELEMENTS, KINDS, Kind

FLAGS = ("optional", "unique", "index", "search")
VALUED = ("max", "default")
MODIFIERS = "optional, unique, index, search, max=100, default=draft"
GUIDE = "docs/new-feature.md has all types and modifiers."
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
DEFAULT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")
MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*")
DECIMAL = re.compile(r"([1-9][0-9]{0,2}),([0-9]{1,2})")


@dataclass(frozen=True)
class Field:
    """One word of the command line."""

    name: str
    type: str
    argument: str = ""
    optional: bool = False
    unique: bool = False
    index: bool = False
    search: bool = False
    maximum: int | None = None
    default: str | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def members(self) -> list[str]:
        """The parts of its argument: an enum's values, the fields of what it has many of."""
        return self.argument.split(",") if self.argument else []

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")


def parse(words: Sequence[str]) -> list[Field]:
    """The fields of a feature. Raises ScaffoldError for what means nothing."""
    fields = [_field(word) for word in words]
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ScaffoldError(f"{name} stands there twice; each field has a name of its own.")
    return fields


def _field(word: str) -> Field:
    name, *rest = word.split(":")
    if not NAME.fullmatch(name):
        raise ScaffoldError(
            f"{name!r} is no name of a field: lower-case letters, digits and single underscores, "
            "a letter first, like due_date."
        )
    if not rest or not rest[0]:
        raise ScaffoldError(f"{name} lacks its type: {name}:str, say. {GUIDE}")
    kind, *rest = rest
    if kind not in KINDS:
        raise ScaffoldError(f"{name}: there is no type {kind!r}. There are {', '.join(KINDS)}.")
    field = Field(name, kind)
    if kind == "has_many" and rest:
        # Its fields have arguments and modifiers of their own: price=decimal:10,2.
        field, rest = replace(field, argument=":".join(rest)), []
    elif KINDS[kind].argument and rest and not _is_modifier(rest[0]):
        field = replace(field, argument=rest.pop(0))
    for modifier in rest:
        field = _modified(field, modifier)
    _check_argument(field)
    _check_default(field)
    return field


def _is_modifier(word: str) -> bool:
    return word in FLAGS or word.partition("=")[0] in VALUED


def _modified(field: Field, modifier: str) -> Field:
    name, equals, value = modifier.partition("=")
    if not ((name in FLAGS and not equals) or (name in VALUED and value)):
        raise ScaffoldError(
            f"{field.name}: {modifier!r} is no modifier. There are {MODIFIERS}. {GUIDE}"
        )
    if name not in field.kind.modifiers:
        taken = ", ".join(sorted(field.kind.modifiers)) or "none"
        raise ScaffoldError(f"{field.name}: a {field.type} takes no {name}; it takes {taken}.")
    if name == "max":
        if not value.isdecimal() or not 0 < int(value) <= field.kind.most:
            raise ScaffoldError(
                f"{field.name}: max={value} is no whole number from 1 to {field.kind.most}."
            )
        return replace(field, maximum=int(value))
    return replace(field, **{name: value if name == "default" else True})  # type: ignore[arg-type]


def _check_argument(field: Field) -> None:
    kind, argument = field.kind, field.argument
    if kind.needs_argument and not argument:
        raise ScaffoldError(
            f"{field.name}: a {field.type} needs {kind.argument}: {field.name}:{field.type}:..."
        )
    match field.type:
        case "decimal" if argument:
            found = DECIMAL.fullmatch(argument)
            if found is None or int(found[2]) >= int(found[1]):
                raise ScaffoldError(f"{field.name}: {argument!r} isn't {kind.argument}.")
        case "array" if argument and argument not in ELEMENTS:
            raise ScaffoldError(f"{field.name}: {argument!r} isn't {kind.argument}.")
        case "enum":
            _check_members(field)


def _check_members(field: Field) -> None:
    for member in field.members:
        if not MEMBER.fullmatch(member):
            raise ScaffoldError(
                f"{field.name}: {member!r} can't be a value: letters and digits, with - or _ "
                "between them, a letter first."
            )
    # Of values that differ in case or sign alone, the members would have one name.
    names = {member.replace("-", "_").upper() for member in field.members}
    if len(names) != max(len(field.members), 2):
        raise ScaffoldError(f"{field.name}: an enum has two values or more, each of them once.")


def _check_default(field: Field) -> None:
    default = field.default
    if default is None:
        return
    if not DEFAULT.fullmatch(default) or not field.kind.is_default(field.argument, default):
        raise ScaffoldError(f"{field.name}: {default!r} can't be the default of a {field.type}.")
    if field.maximum is not None:
        size = float(default) if field.kind.bounds else len(default)
        if size > field.maximum:
            raise ScaffoldError(f"{field.name}: its default is more than max={field.maximum}.")
    if field.unique:
        raise ScaffoldError(f"{field.name}: of unique values one at most is the default.")
