"""What the templates know of a feature."""

from collections.abc import Iterator
from typing import Any

from infra.scaffold.columns import Column
from infra.scaffold.feature import Feature
from infra.scaffold.filters import filters
from infra.scaffold.names import article, is_plural
from infra.scaffold.samples import needle, sample

UNSAYABLE = {
    "url": "addresses that are no URLs by stricter rules",
    "bytes": "text that is no base64",
    "json": "values that are nested too deeply",
}


def context(feature: Feature) -> dict[str, Any]:
    """All of it, by name."""
    return {
        **_names(feature),
        **_columns(feature),
        **_relations(feature),
        "options": feature.options,
        "owned": feature.owned,
        "kept": feature.kept,
        "public": feature.options.public,
        "requires": feature.options.requires,
        "gated": feature.gated,
        "machine": feature.machine,
        "sorts": [name for name, _ in _sorts(feature)],
        "indexes": list(_indexes(feature)),
        "first": _example(feature, "first"),
        "second": _example(feature, "second"),
        "unsayable": unsayable(feature),
        "key": _key(feature.options.key),
        "sample": sample,
        "needle": needle,
        "filters": filters,
    }


def _names(feature: Feature) -> dict[str, Any]:
    label, labels = feature.single.replace("_", " "), feature.plural.replace("_", " ")
    a = article(label)
    return {
        "single": feature.single,
        "plural": feature.plural,
        "label": label,
        "labels": labels,
        "Label": label.capitalize(),
        "Labels": labels.capitalize(),
        "Model": feature.model,
        "Models": feature.models,
        "a": a,
        "A": a.capitalize(),
        "ONE": feature.single.upper(),
        "ALL": feature.plural.upper(),
        "Listed": f"{feature.model}Listed" if feature.texts else f"{feature.model}Read",
        "Shown": f"{feature.model}Detail" if feature.detailed else f"{feature.model}Read",
        "split": feature.split,
        "shapes": "schemas" if feature.split else "models",
    }


def _columns(feature: Feature) -> dict[str, Any]:
    columns, every = feature.columns, feature.every_column
    return {
        "columns": columns,
        "every_column": every,
        "valued": feature.valued,
        "aliased": [column for column in columns if column.definition],
        "uniques": [column for column in columns if column.field.unique],
        "required": [c for c in columns if not c.field.optional and c.field.default is None],
        "optional": [column for column in columns if column.field.optional],
        "defaults": [column for column in columns if column.field.default is not None],
        "enums": [column for column in every if column.field.type == "enum"],
        "searched": [column for column in columns if column.field.search],
        "texts": feature.texts,
        "listed": feature.listed,
        "shortened": _shortened(feature.texts, feature.listed),
    }


def _relations(feature: Feature) -> dict[str, Any]:
    names = [f'"{many.field.name}"' for many in feature.children]
    names += [f'"{link.attribute}"' for link in feature.links]
    return {
        "references": feature.references,
        "children": feature.children,
        "links": feature.links,
        "named": [link for link in feature.links if link.target is None],
        "linked": [link for link in feature.links if link.target is not None],
        "whole": feature.whole,
        "detailed": feature.detailed,
        "heavy": feature.heavy,
        "targets": feature.targets,
        "PARTS": f"{{{', '.join(names)}}}",
    }


def _shortened(texts: list[Column], most: int) -> str:
    labels = [column.field.label for column in texts]
    if len(labels) == 1:
        verb = "are" if is_plural(labels[0]) else "is"
        return f"its {labels[0]} {verb} cut to {most:,} characters"
    return f"its {', '.join(labels[:-1])} and {labels[-1]} are cut" if labels else ""


def _sorts(feature: Feature) -> Iterator[tuple[str, bool]]:
    """What lists can be sorted by, and whether that needs an index of its own."""
    yield "id", feature.owned
    yield "created_at", True
    for column in feature.every_column:
        field, kind = column.field, column.field.kind
        if kind.is_sort and (field.unique or field.index or kind.is_moment):
            yield field.name, not field.unique


def _indexes(feature: Feature) -> Iterator[list[str]]:
    """The columns of each index, which begins with the owner and ends with the id."""
    within = ["owner"] if feature.owned else []
    for name, needs_index in _sorts(feature):
        if needs_index:
            yield [*within, name]
    for column in feature.every_column:
        if column.field.index and not column.field.kind.is_sort:
            yield [*within, column.field.name]


def _example(feature: Feature, which: str) -> str:
    """What a client sends: all that is required, or one value to change."""
    fields = [column.field for column in feature.valued]
    required = [f for f in fields if not f.optional and f.default is None] or fields[:1]
    chosen = required if which == "first" else fields[:1]
    values = [f"{field.name}={getattr(sample(field), which)}" for field in chosen]
    if which == "first":
        needed = [one for one in feature.references if not one.field.optional]
        values += [f"{one.field.name}={one.example}" for one in needed]
    return ", ".join(values)


def unsayable(feature: Feature) -> str:
    """Why a valid value may be refused and no document tells it; empty when none may be."""
    kinds = {column.field.type for column in feature.columns}
    kinds |= {column.field.type for many in feature.children for column in many.columns}
    return "; ".join(why for kind, why in UNSAYABLE.items() if kind in kinds)


def _key(key: str) -> dict[str, str]:
    if key == "int":
        return {"type": "int", "in_path": "PathId"}
    return {"type": "UUID", "in_path": "UUID"}
