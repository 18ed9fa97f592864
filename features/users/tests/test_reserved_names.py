"""Words that paths take from usernames."""

from types import SimpleNamespace
from typing import Any

from features.users.reserved_names import reserved_names

TEMPLATES = ("/api/{username}", "/api/{username}/things", "/api/tier/{name}", "/api/url", "/other")


def test_words_that_hide_a_username_are_reserved() -> None:
    routes = [SimpleNamespace(path=path) for path in TEMPLATES]
    request: Any = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(feature_routes=routes))
    )

    assert reserved_names(request) == {"tier", "url"}
