"""Whether each answer that holds a list is bounded: 1 MiB at most, as its models declare it."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter

from infra.checks.declared import Declared, column_size, declared_by, is_list
from infra.checks.indexes import listings
from infra.checks.json_size import CHARACTER, EXTRA, Walk, text_size
from kernel import discovery
from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.db import CursorPage, Listing, ListQuery, Page, pages_of

MOST = 1024 * 1024
CURSOR = 1002  # bytes of the longest one that a list's query takes
SEE = "See docs/gates.md#an-answer-without-a-bound"
LARGE = f"""\
{{where}} answers up to {{size:,.0f}} bytes, more than {{most:,}}: {{field}} takes {{bytes:,.0f}} of
the {{item:,.0f}} bytes of each item. Show less: {{remedy}}
{SEE}"""
TOO_MANY = f"""\
{{where}} answers up to {{size:,.0f}} bytes, more than {{most:,}}: let its list be shorter.
{SEE}"""
UNBOUNDED = f"{{where}} answers any number of bytes: {{field}} has no bound. {{remedy}}\n{SEE}"
SHORTEN = 'Listing(..., shorten={{"{name}": {fit}}}), and `truncated: bool` in {model}'
ITEMS = "items_per_page: Annotated[int, Field(ge=1, le={fit})] = 10 in {query}"
CLOSE = "To bound it, take {name} out of {model}."
SERIALIZER = "Annotate what its serializer returns."
# By the type of a field, where its bound is to be written.
TEXT = "Bound it where it is stored or sent: Field(max_length=...)"
NUMBER = "Say its digits where it is stored: Field(max_digits=12, decimal_places=2)"
LENGTH = """\
Bound it in the request body that fills it (Field(max_length=...) on the field of that name), or \
in {model}, with a LIMIT in the query"""
ALONE = "Take it out of {model}, and show it with one row only"

Sizes = Mapping[tuple[type[Any], str], float]


def problems(_: Path) -> list[str]:
    """Say which answers are larger, or have no bound, with the line to write."""
    discovery.load("models")
    known = [(feature, one) for feature in discovery.names() for one in listings(feature)]
    found: list[str] = []
    for feature, one in known:
        where = f"features/{feature}: a list of {one.read.__name__}"
        found += of_type(where, _pages(one), bounds_of([one]), one.query)
    routes = create_application(Settings({})).state.feature_routes
    declared = declared_by(discovery.names())
    listed = bounds_of(one for _, one in known)
    bounds: Sizes = {
        key: min(declared.sizes.get(key, inf), listed.get(key, inf))
        for key in [*declared.sizes, *listed]
    }
    pages = [_pages(one) for _, one in known]
    for route in routes:
        if route.response_model is not None and route.response_model not in pages:
            where = f"{' '.join(sorted(route.methods))} {route.path}"
            query = query_of(route.dependant)
            found += of_type(where, route.response_model, bounds, query, declared)
    return found


def _pages(one: Listing[Any]) -> Any:
    read: type[BaseModel] = one.read
    return pages_of(read)


def of_type(
    where: str,
    answer: Any,
    bounds: Sizes,
    query: type[ListQuery] | None = None,
    declared: Declared | None = None,
) -> Iterator[str]:
    """The problems of an answer of that type, if a list is in it."""
    items = _items(query)
    known = declared or Declared()
    lengths = dict(known.lengths)
    lengths[Page, "data"] = lengths[CursorPage, "data"] = items
    sizes = dict(bounds)
    sizes[CursorPage, "next_cursor"] = CURSOR
    walk = Walk(sizes, lengths, known.columns)
    size = walk.size(TypeAdapter(answer).core_schema)
    if not walk.has_list or size <= MOST:
        return
    for model, name in walk.unbounded:
        remedy = _remedy(model, name, query).format(model=model.__name__, name=name, fit="...")
        yield UNBOUNDED.format(where=where, field=f"{model.__name__}.{name}", remedy=remedy)
    if size == inf and not walk.unbounded:
        yield UNBOUNDED.format(where=where, field="what it holds", remedy=SERIALIZER)
    if size < inf:
        yield _large(where, walk, size, items, query)


def _remedy(model: type[Any], name: str, query: type[ListQuery] | None) -> str:
    """What a field without a bound needs, by its type."""
    if name == EXTRA:
        return CLOSE
    declared = getattr(model, "model_fields", {}).get(name)
    kinds = _types(declared.annotation) if declared is not None else {str}
    if declared is not None and is_list(declared.annotation) and query is None:
        return LENGTH
    if kinds & {dict, object, bytes, list} or Any in kinds:
        return ALONE
    if Decimal in kinds:
        return NUMBER
    return f"Cut it: {SHORTEN}" if query is not None and declared is not None else TEXT


def _types(annotation: Any) -> set[Any]:
    """The types that stand in it."""
    inner = [_types(one) for one in get_args(annotation)]
    return {get_origin(annotation) or annotation}.union(*inner)


def _large(where: str, walk: Walk, size: float, items: float, query: type[ListQuery] | None) -> str:
    """Of the field that takes most, of those that are in each item."""
    fields = [(value, *key) for key, value in walk.fields.items() if key[0] in walk.items]
    if not fields:
        return TOO_MANY.format(where=where, size=size, most=MOST)
    most, model, name = max(fields, key=lambda field: field[0])
    item = walk.items[model]
    around = 0 if items == inf else (size - items * (item + 1)) / items
    fit = int((MOST / items - around - 1 - (item - most) - text_size(0)) // CHARACTER)
    if query is not None and fit > 0:
        remedy = SHORTEN.format(model=model.__name__, name=name, fit=fit)
    elif query is not None:
        remedy = ITEMS.format(fit=int(items * MOST / size), query=query.__name__)
    else:
        remedy = LENGTH.format(model=model.__name__, name=name)
    field = f"{model.__name__}.{name}"
    return LARGE.format(
        where=where, size=size, most=MOST, field=field, bytes=most, item=item, remedy=remedy
    )


def bounds_of(lists: Iterable[Listing[Any]]) -> dict[tuple[type[Any], str], float]:
    """The most bytes of each column that a list shows; inf where its type has no bound."""
    bounds: dict[tuple[type[Any], str], float] = {}
    for one in lists:
        for name in one.read.model_fields.keys() & one.columns.keys():
            key = one.read, name
            bounds[key] = max(bounds.get(key, 0), column_size(one.columns[name]))
    return bounds


def query_of(dependant: Dependant) -> type[ListQuery] | None:
    """The query model that a route's pages are asked for by."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, ListQuery):
            return kind
    return next((found for one in dependant.dependencies if (found := query_of(one))), None)


def _items(query: type[ListQuery] | None) -> float:
    if query is None:
        return inf
    metadata = query.model_fields["items_per_page"].metadata
    return min((one.le for one in metadata if hasattr(one, "le")), default=inf)
