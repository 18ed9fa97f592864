"""Which changes of the OpenAPI document break a client that was written against the old one.

The question is always whether every value of one schema is valid by another: what clients send
must still be accepted, and what they are answered must still be what they expected. Where the
answer isn't known, the change counts as breaking.
"""

from collections.abc import Iterator

from infra.contract.incompatibilities import Json, Side, incompatibilities

METHODS = ("get", "post", "put", "patch", "delete")


def breaking(old: Json, new: Json) -> list[str]:
    """What breaks clients, a sentence each, and each once."""
    return sorted(set(_breaking(Side(old, "before"), Side(new, "now"))))


def additions(old: Json, new: Json) -> list[str]:
    """The operations that are new."""
    before = {name for name, _ in _operations(old)}
    return [f"{name} is new" for name, _ in _operations(new) if name not in before]


def _breaking(old: Side, new: Side) -> Iterator[str]:
    now = dict(_operations(new.document))
    for name, before in _operations(old.document):
        after = now.get(name)
        if after is None:
            yield f"{name} is gone"
            continue
        problems = [
            *_identity(before, after),
            *_parameters(before, after, old, new),
            *_body(before, after, old, new),
            *_answers(before, after, old, new),
        ]
        yield from (f"{name}: {problem}" for problem in problems)


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in sorted(document.get("paths", {}).items()):
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _identity(before: Json, after: Json) -> Iterator[str]:
    if before.get("operationId") != after.get("operationId"):
        yield f"operationId {before.get('operationId')} is now {after.get('operationId')}"
    open_before = not before.get("security") or {} in before["security"]
    open_after = not after.get("security") or {} in after["security"]
    if open_before and not open_after:
        yield "it needs authentication now"


def _parameters(before: Json, after: Json, old: Side, new: Side) -> Iterator[str]:
    was = {(entry["in"], entry["name"]): entry for entry in before.get("parameters", [])}
    now = {(entry["in"], entry["name"]): entry for entry in after.get("parameters", [])}
    for key, entry in was.items():
        label = f"{key[0]} parameter {key[1]}"
        if key not in now:
            yield f"{label} is gone"
            continue
        if now[key].get("required") and not entry.get("required"):
            yield f"{label} is required now"
        for difference in incompatibilities(entry["schema"], old, now[key]["schema"], new):
            yield f"{label}{difference}"
    for key, entry in now.items():
        if key not in was and entry.get("required"):
            yield f"{key[0]} parameter {key[1]} is new and required"


def _body(before: Json, after: Json, old: Side, new: Side) -> Iterator[str]:
    was, now = before.get("requestBody"), after.get("requestBody")
    if now is None:
        if was is not None:
            yield "it takes no body now"
        return
    if now.get("required") and not (was and was.get("required")):
        yield "the body is required now"
    for media_type, content in (was or {}).get("content", {}).items():
        if media_type not in now["content"]:
            yield f"bodies of {media_type} are refused now"
            continue
        for difference in incompatibilities(
            content["schema"], old, now["content"][media_type]["schema"], new
        ):
            yield f"body{difference}"


def _answers(before: Json, after: Json, old: Side, new: Side) -> Iterator[str]:
    for status, was in before["responses"].items():
        if not status.startswith("2"):
            continue
        now = after["responses"].get(status)
        if now is None:
            yield f"it answers {status} no more"
            continue
        for header in set(was.get("headers", {})) - set(now.get("headers", {})):
            yield f"answer {status} bears {header} no more"
        for media_type, content in was.get("content", {}).items():
            if media_type not in now.get("content", {}):
                yield f"answer {status} is {media_type} no more"
                continue
            answered = now["content"][media_type]["schema"]
            # The other way round: what is answered now must be what was expected.
            for difference in incompatibilities(answered, new, content["schema"], old):
                yield f"answer {status}{difference}"
