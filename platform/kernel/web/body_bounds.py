"""Refuses a body that would cost far more to read than to send."""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

from kernel.config.connections import ConnectionSettings
from kernel.errors import UnprocessableEntityException

MAX_DEPTH = 20
MAX_FIELDS = 1000
# Each costs half a microsecond; so many are 25 ms, and 180 kB of text beyond ASCII.
MAX_ESCAPES = 60_000
# A string as a whole, also one that doesn't end, or one of the characters that make the structure.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]:,]', re.DOTALL)


class BodyBounds:
    """The bounds on one request's body; JSON in pieces is looked at once it is whole."""

    def __init__(self, scope: Scope, settings: ConnectionSettings) -> None:
        self._scope, self._settings = scope, settings
        self._kind = ""
        self._json: list[bytes] = []
        self._fields = self._escapes = 0

    def check(self, piece: bytes, more: bool) -> None:
        """Take the next piece. Raises UnprocessableEntityException (422) for too much structure."""
        if not self._kind:
            self._kind = Headers(scope=self._scope).get("content-type", "json").lower()
        if "urlencoded" in self._kind:
            self._fields += piece.count(b"&")
            self._escapes += piece.count(b"%")
            if self._fields >= MAX_FIELDS or self._escapes > MAX_ESCAPES:
                raise UnprocessableEntityException("The form has too many fields or escapes.")
        elif "json" in self._kind.partition(";")[0]:
            self._json.append(piece)
            bounds = self._settings
            if not more and (
                excess := json_excess(
                    b"".join(self._json), bounds.max_body_keys, bounds.max_body_items
                )
            ):
                raise UnprocessableEntityException(excess)


def is_harmless(body: bytes, settings: ConnectionSettings) -> bool:
    """Whether so short a body can't have too much of anything but levels, and has few of these."""
    enough = min(MAX_FIELDS, settings.max_body_keys, settings.max_body_items)
    return len(body) < enough and body.count(b"[") + body.count(b"{") <= MAX_DEPTH


def json_excess(body: bytes, max_keys: int, max_items: int) -> str | None:
    """What a JSON text has too much of; None when it is within the bounds, or is no JSON."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= MAX_DEPTH and body.count(b":") <= max_keys and body.count(b",") < max_items:
        return None  # counted with those that stand in strings; nearly always that is enough
    if b"\x00" in body:
        return "The body must be JSON in UTF-8."
    depth = keys = items = 0
    for token in _TOKEN.finditer(body):
        character = body[token.start()]
        if character in b"{[":
            depth += 1
        elif character in b"}]":
            depth -= 1
        elif character in b":":
            keys += 1
        elif character in b",":
            items += 1
        if depth > MAX_DEPTH:
            return f"The body is nested more than {MAX_DEPTH} levels deep."
        if keys > max_keys:
            return f"The body has more than {max_keys} keys."
        if items >= max_items:
            return f"The body has more than {max_items} values."
    return None
