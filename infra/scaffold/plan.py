"""A feature that is to be: what was asked for, checked against what there is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.scaffold.columns import LISTED, Column
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.fields import Field
from infra.scaffold.filters import filter_names, filters
from infra.scaffold.machine import machine
from infra.scaffold.names import article, camel, check_feature, check_field, singular
from infra.scaffold.relations import children, links, references
from infra.scaffold.samples import needle, sample
from infra.scaffold.targets import Target
from kernel import discovery
from kernel.config.groups import KERNEL_GROUPS
from kernel.db.tables import metadata
from kernel.settings import feature_settings


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


class Feature:
    """The feature's names and parts, as the templates ask for them."""

    def __init__(self, name: str, fields: Sequence[Field], options: Options) -> None:
        self.plural, self.options = name, options
        self.single = options.singular or singular(name)
        self.model, self.models = camel(self.single), camel(name)
        self.owned = any(field.type == "user" and field.name == "owner" for field in fields)
        self.public = options.public
        plain = [field for field in fields if not field.kind.is_relation]
        self.machine = machine(
            options.transitions, plain_columns := [Column(self.model, f) for f in plain]
        )
        self.references = references(self.model, fields, self.owned)
        self.children = children(self.model, self.single, fields)
        self.links = links(self.model, self.single, fields)
        self.every_column = [*plain_columns, *self.references]
        # What a client sends: a state changes by a route of its own.
        fixed = self.machine.column if self.machine else None
        self.columns = [column for column in self.every_column if column is not fixed]

    @cached_property
    def context(self) -> dict[str, Any]:
        """What the templates know."""
        label, labels = self.single.replace("_", " "), self.plural.replace("_", " ")
        a = article(label)
        names = {"single": self.single, "plural": self.plural, "label": label, "labels": labels}
        names |= {"Label": label.capitalize(), "Labels": labels.capitalize()}
        names |= {"Model": self.model, "Models": self.models, "a": a, "A": a.capitalize()}
        names |= {"ONE": self.single.upper(), "ALL": self.plural.upper()}
        columns, every = self.columns, self.every_column
        return {
            **names,
            "options": self.options,
            "machine": self.machine,
            "valued": [column for column in columns if column not in self.references],
            "references": self.references,
            "children": self.children,
            "links": self.links,
            "named": [link for link in self.links if link.target is None],
            "linked": [link for link in self.links if link.target is not None],
            "whole": bool(self.children or self.links),
            "Shown": f"{self.model}Detail" if self.children or self.links else f"{self.model}Read",
            "targets": self._targets(),
            "PARTS": self._parts(),
            "every_column": every,
            "Listed": f"{self.model}Listed" if self.texts else f"{self.model}Read",
            "owned": self.owned,
            "public": self.public,
            "columns": columns,
            "aliased": [column for column in columns if column.definition],
            "uniques": [column for column in columns if column.field.unique],
            "enums": [column for column in every if column.field.type == "enum"],
            "binaries": [column for column in columns if column.field.type == "bytes"],
            "searched": [column for column in columns if column.field.search],
            "texts": self.texts,
            "shortened": self._shortened(),
            "sorts": [name for name, _ in self._sorts()],
            "indexes": list(self._indexes()),
            "first": self._example("first", required_only=True),
            "second": self._example("second", required_only=False),
            "key": self._key(),
            "sample": sample,
            "unsayable": self._unsayable(),
            "needle": needle,
            "filters": filters,
            "required": [c for c in columns if not c.field.optional and c.field.default is None],
            "optional": [c for c in columns if c.field.optional],
            "defaults": [c for c in columns if c.field.default is not None],
        }

    @property
    def texts(self) -> list[Column]:
        """What lists show the beginning of."""
        return [
            column
            for column in self.columns
            if column.field.type == "text" and (column.field.maximum or LISTED + 1) > LISTED
        ]

    def _unsayable(self) -> str:
        """Why a value that is valid by its schema may be refused; empty when none may be."""
        kinds = {column.field.type for column in self.columns}
        reasons = ["a value that is taken"] if any(c.field.unique for c in self.columns) else []
        for kind, reason in (
            ("decimal", "more digits than are kept"),
            ("url", "addresses that are no URLs by stricter rules"),
            ("email", "addresses that are no e-mails by stricter rules"),
            ("bytes", "text that is no base64"),
            ("timedelta", "durations that are too long"),
            ("json", "values that are nested too deeply"),
        ):
            reasons += [reason] if kind in kinds else []
        return "; ".join(reasons)

    def _shortened(self) -> str:
        labels = [column.field.label for column in self.texts]
        if len(labels) == 1:
            return f"its {labels[0]} is cut to {LISTED:,} characters"
        return f"its {', '.join(labels[:-1])} and {labels[-1]} are cut" if labels else ""

    def _sorts(self) -> Iterator[tuple[str, bool]]:
        """What lists can be sorted by, and whether that needs an index of its own."""
        yield "id", self.owned
        yield "created_at", True
        for column in self.every_column:
            field, kind = column.field, column.field.kind
            if kind.is_sort and (field.unique or field.index or kind.is_moment):
                yield field.name, not field.unique

    def _indexes(self) -> Iterator[list[str]]:
        """The columns of each index, which begins with the owner and ends with the id."""
        within = ["owner"] if self.owned else []
        for name, needs_index in self._sorts():
            if needs_index:
                yield [*within, name]
        for column in self.every_column:
            if column.field.index and not column.field.kind.is_sort:
                yield [*within, column.field.name]

    def _example(self, which: str, required_only: bool) -> str:
        fields = [c.field for c in self.columns if c not in self.references]
        chosen = [f for f in fields if not f.optional and f.default is None] or fields[:1]
        chosen = chosen if required_only else fields[:1]
        values = [f"{f.name}={getattr(sample(f), which)}" for f in chosen]
        if required_only:
            needed = [one for one in self.references if not one.field.optional]
            values += [f"{one.field.name}={one.example}" for one in needed]
        return ", ".join(values)

    def _parts(self) -> str:
        """The names of what isn't in the row itself, as a set in Python."""
        names = [f'"{many.field.name}"' for many in self.children]
        names += [f'"{link.attribute}"' for link in self.links]
        return f"{{{', '.join(names)}}}"

    def _targets(self) -> list[Target]:
        """The features that rows refer to, each once."""
        found = [column.target for column in self.references]
        found += [link.target for link in self.links if link.target is not None]
        return list({one.feature: one for one in found}.values())

    def _key(self) -> dict[str, str]:
        if self.options.key == "int":
            column = "id: int | None = Column(default=None, primary_key=True)"
            return {"type": "int", "in_path": "PathId", "column": column}
        made = 'sa_column_kwargs={"server_default": text("uuidv7()")}'
        column = f"id: UUID | None = Column(default=None, primary_key=True, {made})"
        return {"type": "UUID", "in_path": "UUID", "column": column}


def planned(name: str, fields: Sequence[Field], options: Options) -> Feature:
    """The feature. Raises ScaffoldError for what can't be, in words that say what can."""
    check_feature(name, options.singular or singular(name), discovery.names())
    feature = Feature(name, fields, options)
    _check_audience(feature)
    for field in fields:
        if field.name != "owner" or field.type != "user":
            check_field(field.name, feature.single)
    if not feature.context["valued"]:
        raise ScaffoldError(f"{name} has no field to write: give it one, like title:str.")
    _check_queries(feature)
    _check_tables(feature)
    _check_settings(feature)
    for one in feature.context["targets"]:
        assert one.row  # or it raises
    if options.seed and any(not column.field.optional for column in feature.references):
        raise ScaffoldError(
            "--seed has no row to refer to: make the reference optional, or leave it out."
        )
    return feature


def _check_audience(feature: Feature) -> None:
    options = feature.options
    if options.public and options.superuser:
        raise ScaffoldError("--public lets everyone read, --superuser no one else: choose one.")
    if options.superuser and feature.owned:
        raise ScaffoldError(
            "--superuser and owner:user: rows that have an owner are the owner's. Leave one out."
        )


def _check_queries(feature: Feature) -> None:
    """Two fields must not give lists one parameter: total_min:int and total:int."""
    names = [name for column in feature.every_column for name in filter_names(column)]
    for name in names:
        if names.count(name) > 1 or name in ("created_at_from", "created_at_to"):
            raise ScaffoldError(
                f"Lists would have two parameters {name}: a field of that name, and the bound of "
                "another one's range. Rename one of them."
            )


def _check_tables(feature: Feature) -> None:
    discovery.load("models")
    if feature.single in metadata.tables:
        raise ScaffoldError(
            f"There is a table {feature.single} already. Say another singular: "
            f"--singular one_{feature.single}"
        )


def _check_settings(feature: Feature) -> None:
    name = f"{feature.single}_limit"
    groups = [*KERNEL_GROUPS, *feature_settings()] if feature.options.settings else []
    if any(name in group.model_fields for group in groups):
        raise ScaffoldError(f"There is a setting {name.upper()} already: leave out --settings.")
