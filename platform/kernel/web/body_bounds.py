"""Refuses a JSON body that would cost far more to validate than to send."""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

from kernel.config.connections import ConnectionSettings
from kernel.errors import UnprocessableEntityException

MAX_DEPTH = 20
# A string as a whole, also one that doesn't end, or one of the characters that make the structure.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]:,]', re.DOTALL)


class BodyBounds:
    """The bounds on one request's body, whose pieces are looked at as a whole once it is there."""

    def __init__(self, scope: Scope, settings: ConnectionSettings) -> None:
        self._scope, self._settings = scope, settings
        self._pieces: list[bytes] = []
        self._is_json: bool | None = None

    def check(self, piece: bytes, more: bool) -> None:
        """Take the next piece. Raises UnprocessableEntityException (422) for too much structure."""
        if more or self._pieces:
            if self._is_json is None:
                self._is_json = _is_json(self._scope)
            if not self._is_json:
                return
            self._pieces.append(piece)
            if more:
                return
            piece, self._pieces = b"".join(self._pieces), []
        excess = json_excess(piece, self._settings.max_body_keys, self._settings.max_body_items)
        if excess and _is_json(self._scope):
            raise UnprocessableEntityException(excess)


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


def _is_json(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "json").partition(";")[0].lower()
    return "json" in kind
