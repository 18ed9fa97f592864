"""What a key reaches: routes by their tags, or by method and template."""

from collections.abc import Iterable
from typing import Any

from kernel.rate_limit import Rule

ALL = "*"
READ = ":read"
SUPERUSER = "superuser"
READING = ("GET", "HEAD")


def covers(scopes: Iterable[str], method: str, template: str, tags: Iterable[str]) -> bool:
    """Whether one of the scopes names the route: `*`, a tag, `GET /api/v1/...`; or `*:read` and
    `<tag>:read`, which name what only reads."""
    return not names_of(method, template, tags).isdisjoint(scopes)


def names_of(method: str, template: str, tags: Iterable[str]) -> set[str]:
    """Every scope that covers the route."""
    names = {ALL, *tags}
    if method in READING:
        method = "GET"
        names |= {name + READ for name in names}
    # What makes a superuser's key a superuser's opens no route by itself.
    return (names | {f"{method} {template}"}) - {SUPERUSER}


class Reach:
    """What one key may call, and how often."""

    def __init__(self, key_id: int, scopes: Iterable[str], rule: Rule | None) -> None:
        self.key_id, self.rule = key_id, rule
        self._scopes = tuple(scopes)
        self._known: dict[tuple[int, str], tuple[Any, bool]] = {}

    def covers(self, route: Any, method: str) -> bool:
        """Whether a scope of the key names the route."""
        # Routes have no hash; the route itself is kept, so that its id stays its own.
        known = self._known.get((id(route), method))
        if known is None:
            tags = map(str, getattr(route, "tags", ()))
            known = route, covers(self._scopes, method, route.path, tags)
            self._known[id(route), method] = known
        return known[1]
