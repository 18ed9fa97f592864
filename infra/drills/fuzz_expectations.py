"""What the fuzzer may expect of an operation, as the document itself tells: what a schema can't say
needs no file of a feature where the document says it otherwise."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

# Valid by its shape, and refused with 422: page and cursor together, a cursor of another list.
OF_LISTS = """
[[operations]]
include-operation-id = {names}
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 422]
"""
# A part of what was created, its second factor or its tier, may be absent: 404 tells of the part.
# The account in a row's path may have been removed or renamed by another call of the run.
OF_PARTS = """
[[operations]]
include-operation-id = {names}
checks.ensure_resource_availability.enabled = false
"""
# Valid by its shape, and refused with 422: a value that is taken or doesn't fit, in words that the
# document has; text of a decimal, an address or a duration, of which schemas say too little.
OF_BODIES = """
[[operations]]
include-operation-id = {names}
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429]
"""
INVALID = "Invalid input"  # how the document calls what a schema refuses
INEXACT = {"email", "duration"}
TEXT = {"type": "string"}


def general(document: Json) -> str:
    """What holds for every list, every part and every body that the document tells of."""
    kinds: tuple[tuple[str, Callable[[str, Json, Json], bool]], ...] = (
        (OF_LISTS, _is_list),
        (OF_PARTS, _is_part),
        (OF_BODIES, _is_refused_otherwise),
    )
    operations = [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    told = []
    for text, holds in kinds:
        found = {one["operationId"] for path, one in operations if holds(path, one, document)}
        told += [text.format(names=sorted(found))] if found else []
    return "\n".join(told)


def _is_list(_: str, operation: Json, __: Json) -> bool:
    return "cursor" in {parameter["name"] for parameter in operation.get("parameters", [])}


def _is_part(path: str, operation: Json, document: Json) -> bool:
    behind = path.partition("{username}/")[2]
    is_part = "{" in path and (not path.endswith("}") or "{" in behind)
    return is_part and not _is_list(path, operation, document)


def _is_refused_otherwise(_: str, operation: Json, document: Json) -> bool:
    body = operation.get("requestBody")
    if body is None:
        return False
    answer = _resolved(operation["responses"].get("422", {}), document)
    examples = (one.get("examples", {}) for one in answer.get("content", {}).values())
    own_words = any(set(one) - {INVALID} for one in examples)
    return own_words or any(map(_is_inexact, _parts(body, document, set())))


def _is_inexact(schema: Json) -> bool:
    """Whether texts are valid by this schema that stand for no value."""
    ways = schema.get("anyOf", ())
    is_decimal = TEXT in ways and any(way.get("type") == "number" for way in ways)
    return is_decimal or schema.get("format") in INEXACT


def _parts(value: Any, document: Json, seen: set[str]) -> Iterator[Json]:
    """The objects within it, and within those that it refers to."""
    if isinstance(value, list):
        for item in value:
            yield from _parts(item, document, seen)
    elif isinstance(value, Mapping):
        yield value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            yield from _parts(_resolved(value, document), document, seen)
        for name, item in value.items():
            if name not in ("example", "examples"):
                yield from _parts(item, document, seen)


def _resolved(value: Json, document: Json) -> Json:
    """What a reference refers to; anything else as it is."""
    found: Json = value
    reference = value.get("$ref", "")
    if reference:
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    return found
