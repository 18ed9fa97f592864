"""Whether each feature hands out, and lets go, what it keeps of a person."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ForeignKey, Select, Table
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from features.users.events import UserDeleted
from kernel import discovery

PERSON = "user"
KIND = "personal_data"
GOES = "CASCADE"
GUIDE = "See docs/gates.md#personal-data"
NOT_EXPORTED = """\
features/{feature}: {what} holds what belongs to a person, and no export has it. Add to
features/{feature}/personal_data.py a select of it to `exports`:
    exports = {{"{table}": select({model}).where(... == bindparam("user_id"))}}
or say why not, in `omitted`: {{"{what}": "why"}}.
{guide}"""
NOT_ERASED = """\
features/{feature}: rows stay when the account that {table}.{column} leads to is erased, or keep it
from being erased. Give the column ondelete="CASCADE", or handle UserDeleted in
features/{feature}/handlers.py, or say in features/{feature}/personal_data.py why they stay:
    kept = {{"{table}.{column}": "why"}}
{guide}"""
OF_NO_USE = """\
features/{feature}/personal_data.py: `{name}` has {what}, which {why}: take it out.
{guide}"""

# The feature that a table belongs to, and its class.
Owners = Mapping[str, tuple[str, str]]


def problems(_: Path) -> list[str]:
    """What is missing, of all features."""
    return [problem for feature in discovery.names() for problem in missing(feature)]


def missing(feature: str) -> Iterator[str]:
    """What is missing of one feature."""
    owners = _owners()
    personal = [
        (table, keys) for table, keys in _personal_tables() if owners[table.name][0] == feature
    ]
    exported = _exported()
    offered = discovery.load(KIND).get(feature)
    omitted: Mapping[str, str] = getattr(offered, "omitted", {})
    kept: Mapping[str, str] = getattr(offered, "kept", {})
    handlers = discovery.load("handlers").get(feature)
    handles = UserDeleted in getattr(handlers, "handlers", {})
    for table, keys in personal:
        yield from _not_exported(feature, table, owners[table.name][1], exported, omitted)
        for key in keys:
            name = f"{table.name}.{key.parent.name}"
            if key.ondelete != GOES and not handles and name not in kept:
                yield NOT_ERASED.format(
                    feature=feature, table=table.name, column=key.parent.name, guide=GUIDE
                )
    known = {name for table, _ in personal for name in _names(table)}
    for attribute, said in (("omitted", omitted), ("kept", kept)):
        for what in said:
            exists = what in known
            if not exists or (attribute == "omitted" and what in exported):
                why = "is exported" if exists else "is no table or column of a person's here"
                yield OF_NO_USE.format(
                    feature=feature, name=attribute, what=what, why=why, guide=GUIDE
                )


def _not_exported(
    feature: str, table: Table, model: str, exported: set[str], omitted: Mapping[str, str]
) -> Iterator[str]:
    """The table, if nothing of it is handed out; else those of its columns that aren't."""
    if table.name in omitted:
        return
    # Keys say which rows belong together, and nothing of a person.
    columns = [one for one in table.columns if not (one.primary_key or one.foreign_keys)]
    if not columns:
        return
    names = [f"{table.name}.{column.name}" for column in columns]
    left = [name for name in names if name not in exported and name not in omitted]
    whole = table.name not in exported and len(left) == len(names)
    for what in [table.name] if whole else left:
        yield NOT_EXPORTED.format(
            feature=feature, what=what, table=table.name, model=model, guide=GUIDE
        )


def _personal_tables() -> Iterator[tuple[Table, list[ForeignKey]]]:
    """The table of accounts and all that refer to it, directly or through one that goes with it;
    each with the keys by which it does."""
    owners = _owners()
    found: dict[str, list[ForeignKey]] = {PERSON: []}
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name in owners]
    grew = True
    while grew:
        grew = False
        goes = {name for name, keys in found.items() if any(key.ondelete == GOES for key in keys)}
        for table in tables:
            keys = [key for key in table.foreign_keys if key.column.table.name in goes | {PERSON}]
            if table.name != PERSON and len(keys) > len(found.get(table.name, [])):
                found[table.name], grew = keys, True
    yield from ((table, found[table.name]) for table in tables if table.name in found)


def _names(table: Table) -> set[str]:
    return {table.name, *(f"{table.name}.{column.name}" for column in table.columns)}


def _exported() -> set[str]:
    """Tables and columns that features hand out."""
    found = set()
    for offered in discovery.offers(KIND, "exports", Mapping).values():
        for rows in offered.values():
            if isinstance(rows, Select):
                for column in _columns(rows):
                    found |= {column.table.name, f"{column.table.name}.{column.name}"}
    return found


def _columns(rows: Select[Any]) -> Iterator[Any]:
    """The tables' own columns that a select shows, within expressions, too."""
    for shown in rows.selected_columns:
        yield from (part for part in iterate(shown) if isinstance(part, Column))


def _owners() -> Owners:
    """The feature and the class of each table of features."""
    discovery.load("models")
    found = {}
    for mapper in SQLModel._sa_registry.mappers:
        package, *path = mapper.class_.__module__.split(".")
        if package == "features" and isinstance(mapper.local_table, Table):
            found[mapper.local_table.name] = (path[0], mapper.class_.__name__)
    return found
