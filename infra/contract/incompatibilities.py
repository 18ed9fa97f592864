"""Where the values of one JSON schema are not valid by another (JSON Schema 2020-12, in part)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

REFERENCE = "#/components/schemas/"
# Keyword -> whether a greater value refuses more.
BOUNDS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}
EXACT = ("pattern", "format", "const", "multipleOf", "uniqueItems", "allOf", "not")
DEPTH = 30  # schemas may refer to themselves


@dataclass(frozen=True)
class Side:
    """A document that schemas refer into, and when it was true: "before" or "now"."""

    document: Json
    when: str


def incompatibilities(given: Json, here: Side, wanted: Json, there: Side) -> list[str]:
    """Say where a value that is valid by `given` may not be by `wanted`; [] if it always is."""
    return list(_Comparison(here, there).schemas(given, wanted, "", 0))


class _Comparison:
    def __init__(self, here: Side, there: Side) -> None:
        self._here, self._there = here, there

    def schemas(self, given: Any, wanted: Any, at: str, depth: int) -> Iterator[str]:
        given, wanted = _resolve(given, self._here), _resolve(wanted, self._there)
        if depth > DEPTH or not wanted:
            return
        alternatives = _alternatives(given)
        if alternatives:
            for alternative in alternatives:
                yield from self.schemas(alternative, wanted, at, depth + 1)
            return
        allowed = _alternatives(wanted)
        if allowed:
            # Of the same type, if there is one: what doesn't fit there is what has changed.
            alike = [
                one for one in allowed if not _type_difference(given, _resolve(one, self._there))
            ]
            tried = [list(self.schemas(given, one, at, depth + 1)) for one in alike or allowed]
            yield from min(tried, key=len)
            return
        if kind := _type_difference(given, wanted) or _enum_difference(given, wanted):
            yield self._said(at, *kind)
            return
        for narrowed in _narrowed(given, wanted):
            yield self._said(at, *narrowed)
        yield from self._objects(given, wanted, at, depth)
        if "items" in wanted:
            yield from self.schemas(given.get("items", {}), wanted["items"], f"{at}[]", depth + 1)

    def _objects(self, given: Json, wanted: Json, at: str, depth: int) -> Iterator[str]:
        properties, known = given.get("properties", {}), wanted.get("properties", {})
        others = wanted.get("additionalProperties", True)
        for name in wanted.get("required", []):
            if name not in given.get("required", []):
                yield self._said(f"{at}.{name}", "may be absent", "required")
        for name, schema in properties.items():
            if name in known:
                yield from self.schemas(schema, known[name], f"{at}.{name}", depth + 1)
            elif others is False:
                yield self._said(f"{at}.{name}", "known", "refused as unknown")
        extra = given.get("additionalProperties")
        if isinstance(extra, dict) and isinstance(others, dict):
            yield from self.schemas(extra, others, f"{at}.*", depth + 1)

    def _said(self, at: str, given: str, wanted: str) -> str:
        return f"{at}: {given} {self._here.when}, {wanted} {self._there.when}"


def _resolve(given: Any, side: Side) -> Json:
    schema: Json = given if isinstance(given, dict) else {}
    while "$ref" in schema:
        schema = side.document["components"]["schemas"][schema["$ref"].removeprefix(REFERENCE)]
    return schema


def _alternatives(schema: Json) -> list[Json]:
    found: list[Json] = schema.get("anyOf") or schema.get("oneOf") or []
    return found


def _type_difference(given: Json, wanted: Json) -> tuple[str, str] | None:
    expected, found = wanted.get("type"), given.get("type")
    if expected is None or found == expected or (found, expected) == ("integer", "number"):
        return None
    return found or "anything", expected


def _enum_difference(given: Json, wanted: Json) -> tuple[str, str] | None:
    if "enum" not in wanted:
        return None
    values = given.get("enum", [given["const"]] if "const" in given else None)
    if values is None:
        return "any value", f"one of {wanted['enum']}"
    unknown = [value for value in values if value not in wanted["enum"]]
    return (f"{unknown} possible", "not") if unknown else None


def _narrowed(given: Json, wanted: Json) -> Iterator[tuple[str, str]]:
    for keyword, greater_is_stricter in BOUNDS.items():
        if keyword not in wanted:
            continue
        limit, found = wanted[keyword], given.get(keyword)
        if found is None or (limit > found if greater_is_stricter else limit < found):
            yield f"{keyword} {found}", f"{limit}"
    for keyword in EXACT:
        if keyword in wanted and wanted[keyword] != given.get(keyword):
            yield f"{keyword} {given.get(keyword)}", f"{wanted[keyword]}"
