"""How a field stands in models.py: its type, its column, and what lists are filtered by."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from infra.checks.json_size import CHARACTER
from infra.scaffold.fields import Field
from infra.scaffold.kinds import DIGITS
from infra.scaffold.names import camel
from kernel.schemas.urls import MAX_URL

MAX_LENGTHS = {"str": 100, "text": 10_000, "url": MAX_URL, "array": 100, "bytes": 65_536}
LISTED = 1000  # characters of a text that lists show, if there is room
MAX_EMAIL = 254
TEMPLATE = Path(__file__).with_name("templates") / "models.py.jinja"
# What models.py imports, so that a type of the feature can't bear such a name.
TAKEN = frozenset(
    re.findall(r"\b[A-Z]\w*[a-z]\w*\b|\bUUID\b", TEMPLATE.read_text().partition("{{ ONE")[0])
)


class Column:
    """A field of one model."""

    def __init__(self, model: str, field: Field) -> None:
        self.field, self._model = field, model
        name = camel(field.name)
        self.alias = name if name not in TAKEN | {model} else f"{model}{name}"
        self.enum = f"{model}{name}"

    @property
    def definition(self) -> str | None:
        """What the alias stands for; None for a type that needs none."""
        most = self.most
        match self.field.type:
            case "str" | "text":
                return f"Annotated[CleanText, Field(min_length=1, max_length={most})]"
            case "int" | "bigint":
                bounds = whole(self.field.type, self.field.maximum)
                return f"Annotated[int, Field({bounds}), JsonNumber]"
            case "decimal":
                # With all places, as the database gives it back: 5 is answered as 5.00 at once.
                rounded = f"AfterValidator(lambda value: round(value, {self._places}))"
                return f"Annotated[Decimal, Field({self._digits}{self._upper}), {rounded}]"
            case "float":
                return f"Annotated[float, Field(allow_inf_nan=False{self._upper}), JsonNumber]"
            case "url":
                length = f"Field(max_length={most}), " if self.field.maximum else ""
                return f'Annotated[CleanText, {length}url_of("http", "https")]'
            case "array":
                return f"Annotated[list[{self._element}], Field(max_length={most})]"
            case "bytes":
                return f"Annotated[Base64, Field(max_length={most})]"
        return None

    @property
    def most(self) -> str:
        return written(self.field.maximum or MAX_LENGTHS.get(self.field.type, 0))

    @property
    def bytes(self) -> int:
        """The most that its value takes in an answer."""
        most = self.field.maximum or MAX_LENGTHS.get(self.field.type, 0)
        match self.field.type:
            case "email":
                return 2 + CHARACTER * MAX_EMAIL
            case "url":
                return MAX_URL + 2
            case "str" | "text":
                return 2 + CHARACTER * most
        return 40

    @property
    def type(self) -> str:
        """The annotation of what a client sends."""
        plain = {"bool": "StrictBool", "datetime": "AwareDatetime", "email": "EmailStr"}
        plain |= {"date": "date", "timedelta": "timedelta", "uuid": "UUID"}
        plain |= {"json": "dict[str, Any]", "enum": self.enum}
        return plain.get(self.field.type, self.alias)

    @property
    def read(self) -> str:
        """The annotation of what is shown: a plain type, whatever was stored."""
        types = {"int": "int", "bigint": "int", "decimal": "Decimal", "float": "float"}
        types |= {"bool": "bool", "datetime": "datetime", "bytes": "bytes", "enum": self.enum}
        types |= {"date": "date", "timedelta": "timedelta", "uuid": "UUID"}
        types |= {"json": "dict[str, Any]", "array": f"list[{self._plain_element}]"}
        kind = types.get(self.field.type, "str")
        return f"{kind} | None" if self.field.optional else kind

    @property
    def declared(self) -> str:
        """What stands behind the name in the base."""
        options = list(self._options())
        kind = f"{self.type} | None" if self.field.optional else self.type
        default = "None" if self.field.optional else None
        if self.field.default is not None:
            default = self._default(self.field.default)
        if options:
            given = [f"default={default}", *options] if default else options
            return f"{kind} = Column({', '.join(given)})"
        return f"{kind} = {default}" if default else kind

    @property
    def updated(self) -> str:
        """What stands behind the name in the update."""
        return f"{self.type} | MISSING{' | None' * self.field.optional} = MISSING"

    @property
    def shown_default(self) -> str:
        """What a test compares the value with that is shown of one that was left out."""
        if (default := self.field.default) is None:
            return "is None"
        match self.field.type:
            case "bool":
                return f"is {default.capitalize()}"
            case "int" | "bigint" | "float":
                return f"== {self._default(default)}"
            case "decimal":
                return f'== "{Decimal(default):.{self._places}f}"'
        return f'== "{default}"'

    @property
    def _digits(self) -> str:
        digits, _, places = (self.field.argument or DIGITS).partition(",")
        return f"max_digits={digits}, decimal_places={places}"

    @property
    def _places(self) -> int:
        return int((self.field.argument or DIGITS).partition(",")[2])

    @property
    def _upper(self) -> str:
        return f", le={written(self.field.maximum)}" if self.field.maximum is not None else ""

    @property
    def _element(self) -> str:
        special = {"str": "Annotated[CleanText, Field(max_length=100)]", "bool": "StrictBool"}
        special |= {"int": f"Annotated[int, Field({whole('int')}), JsonNumber]"}
        special |= {"float": "Annotated[float, Field(allow_inf_nan=False), JsonNumber]"}
        return special.get(self.field.argument or "str", self._plain_element)

    @property
    def _plain_element(self) -> str:
        element = self.field.argument or "str"
        return "UUID" if element == "uuid" else element

    def _options(self) -> Iterator[str]:
        """What the column must be told that its type doesn't say."""
        match self.field.type:
            case "text" if not 0 < (self.field.maximum or 0) <= LISTED:
                yield "sa_type=TEXT"
            case "bigint":
                yield "sa_type=BigInteger"
            case "email":
                yield f"sa_type=String({MAX_EMAIL})"
            case "json":
                yield "sa_type=JSONB(none_as_null=True)" if self.field.optional else "sa_type=JSONB"
            case "array":
                elements = {"str": "String", "int": "Integer", "float": "Float", "bool": "Boolean"}
                elements |= {"date": "Date", "uuid": "Uuid"}
                yield f"sa_type=ARRAY({elements[self.field.argument or 'str']})"

    def _default(self, default: str) -> str:
        match self.field.type:
            case "enum":
                return f"{self.enum}.{member(default)}"
            case "decimal":
                return f'Decimal("{Decimal(default):.{self._places}f}")'
            case "bool":
                return default.capitalize()
            case "date":
                year, month, day = map(int, default.split("-"))
                return f"date({year}, {month}, {day})"
            case "str" | "email":
                return f'"{default}"'
        return str(float(default)) if self.field.type == "float" else str(int(default))


def member(value: str) -> str:
    """An enum's member for a value, as constants are written."""
    return value.replace("-", "_").upper()


def whole(kind: str, maximum: int | None = None) -> str:
    """The bounds of a whole number in PostgreSQL."""
    bits = 31 if kind == "int" else 63
    return f"ge=-(2**{bits}), le={written(maximum) if maximum else f'2**{bits} - 1'}"


def written(number: int | None) -> str:
    """With underscores, as a person writes a large number."""
    return f"{number:_}" if number is not None and number >= 10_000 else str(number)
