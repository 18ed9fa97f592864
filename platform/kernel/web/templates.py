"""Path templates: which goes first, and which words they take from usernames."""

from collections.abc import Iterable

from fastapi.routing import APIRoute


def by_literalness(route: APIRoute) -> tuple[tuple[int, ...], str]:
    """Sort key: at each segment a literal goes before a parameter, whatever found first."""
    ranks = []
    for segment in route.path.strip("/").split("/"):
        ranks.append(0 if "{" not in segment else 2 if ":path" in segment else 1)
    return tuple(ranks), route.path


def reserved_names(routes: Iterable[APIRoute], parameter: str) -> frozenset[str]:
    """The words that some template has where another one has `{parameter}`.

    A user called `tier` could not be reached: /tier/{name} wins over /{username}/{...}.
    """
    templates = [route.path.strip("/").split("/") for route in routes]
    words: set[str] = set()
    for template in templates:
        for position, segment in enumerate(template):
            if segment != f"{{{parameter}}}":
                continue
            for other in templates:
                if other[:position] == template[:position] and len(other) > position:
                    words.add(other[position])
    return frozenset(word for word in words if "{" not in word)
