"""Words that no account can have as its username, since a path needs them."""

from starlette.requests import Request

PARAMETER = "{username}"


def reserved_names(request: Request) -> frozenset[str]:
    """The words that some route's template has where another one has `{username}`.

    A user called `tier` could not be reached: /tier/{name} wins over /{username}/{...}.
    """
    split = [route.path.strip("/").split("/") for route in request.app.state.feature_routes]
    words: set[str] = set()
    for template in split:
        for position, segment in enumerate(template):
            if segment != PARAMETER:
                continue
            for other in split:
                if other[:position] == template[:position] and len(other) > position:
                    words.add(other[position])
    return frozenset(word for word in words if "{" not in word)
