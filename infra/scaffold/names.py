"""Names: what a feature and its fields may be called, and what follows from a name."""

import keyword
import sys
from collections.abc import Iterable
from importlib.util import find_spec

from pydantic import BaseModel
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS
from sqlmodel import SQLModel

from infra.checks.layout import PACKAGES, VAGUE
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.fields import NAME

# A field of one of these names hides the type of that name from the lines that follow it.
TYPES = frozenset(
    ("bool", "bytes", "date", "datetime", "dict", "float", "int", "list", "str", "timedelta")
)
OURS = frozenset(
    ("id", "owner_id", "created_at", "updated_at", "is_deleted", "deleted_at", "truncated")
)
OF_LISTS = frozenset(("page", "items_per_page", "cursor", "sort", "q"))
ATTRIBUTES = frozenset(dir(SQLModel)) | frozenset(dir(BaseModel)) | {"registry", "query"}
# Whose plural is in -uses, unlike that of house.
LATIN = ("status", "bus", "virus", "bonus", "campus", "census", "corpus")
MAX_NAME = 30  # PostgreSQL cuts names at 63 bytes, and an index's has the table and a column


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def singular(plural: str) -> str:
    """The singular of a regular plural. Raises ScaffoldError for what is none."""
    for ending, single in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh")):
        if plural.endswith(ending):
            return plural[: -len(ending)] + single
    if plural.endswith(("xes", "zes")) or plural[:-2].endswith(LATIN):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")):
        return plural[:-1]
    raise ScaffoldError(
        f"{plural} doesn't look like a plural, and features are plural nouns. If it is one, say "
        f"its singular: --singular {plural.rstrip('s')}"
    )


def is_plural(noun: str) -> bool:
    """Whether a regular plural; news and the like are told apart by no rule."""
    try:
        singular(noun)
    except ScaffoldError:
        return False
    return not noun.endswith("news")


def article(noun: str) -> str:
    sounds_otherwise = noun.startswith(("uni", "use", "eu", "hour", "honor"))
    return "an" if (noun[0] in "aeiou") is not sounds_otherwise else "a"


def check_feature(name: str, single: str, known: Iterable[str]) -> None:
    """Raise ScaffoldError for a name that a feature can't have."""
    for one in (name, single):
        if not NAME.fullmatch(one):
            raise ScaffoldError(
                f"{one!r} is no name of a feature: lower-case letters, digits and single "
                "underscores, a letter first, like purchase_orders."
            )
        if len(one) > MAX_NAME:
            raise ScaffoldError(f"{one} has more than {MAX_NAME} characters.")
        if keyword.iskeyword(one) or one in {"match", "case", "type"}:
            raise ScaffoldError(f"{one} is a word of Python.")
    if name == single:
        raise ScaffoldError(f"{name} is its own singular; its routes would have one path twice.")
    if name in known:
        raise ScaffoldError(
            f"There is a feature {name}. Take it away first: hatch run remove {name}"
        )
    if name in VAGUE:
        raise ScaffoldError(f"{name} says nothing; call the feature after what it holds.")
    if name in PACKAGES or name in sys.stdlib_module_names or find_spec(name) is not None:
        raise ScaffoldError(f"{name} is the name of a module already, which the folder would hide.")
    if single in RESERVED_WORDS:
        raise ScaffoldError(
            f"The table would be called {single}, a reserved word of SQL: name the feature more "
            f"closely (purchase_orders), or say another singular: --singular one_{single}"
        )


def check_field(name: str, single: str) -> None:
    """Raise ScaffoldError for a name that a field can't have."""
    if keyword.iskeyword(name):
        raise ScaffoldError(f"{name} is a word of Python; call the field {single}_{name}, say.")
    if name in OURS:
        raise ScaffoldError(f"{name}: every table of the feature has such a column already.")
    if name in OF_LISTS:
        raise ScaffoldError(f"{name} is a parameter of every list; call the field {single}_{name}.")
    if name in TYPES:
        raise ScaffoldError(
            f"{name} is the name of a type, which the field would hide; call it {single}_{name}."
        )
    if name in ATTRIBUTES or name.startswith("model_"):
        raise ScaffoldError(
            f"{name} hides an attribute of pydantic's or SQLModel's models; call the field "
            f"{single}_{name}."
        )
    if name in RESERVED_WORDS:
        raise ScaffoldError(
            f"{name} is a reserved word of SQL; call the field {single}_{name}, say."
        )
    if len(name) > MAX_NAME:
        raise ScaffoldError(f"{name} has more than {MAX_NAME} characters.")
