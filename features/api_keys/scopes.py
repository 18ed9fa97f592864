"""What a key reaches: routes by their tags, or by method and template."""

from collections.abc import Iterable
from functools import lru_cache

ALL = "*"
READ = ":read"
SUPERUSER = "superuser"
READING = ("GET", "HEAD")


@lru_cache(maxsize=10_000)
def covers(scopes: tuple[str, ...], method: str, template: str, tags: tuple[str, ...]) -> bool:
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
