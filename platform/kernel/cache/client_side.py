"""What clients and proxies may keep: public data, asked for anonymously, with an ETag (RFC 9111).

`@public` at a GET route says that its anonymous answer is the same for all callers.
"""

import hashlib
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Scope

from kernel.config.groups import HttpSettings
from kernel.context import context_of

Endpoint = TypeVar("Endpoint")

ETAG = "kernel.cache.client_side.etag"


def public(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint's anonymous answers as public: `max-age`, `ETag`, 304."""
    endpoint.is_public = True  # type: ignore[attr-defined]
    return endpoint


def is_public(endpoint: Any) -> bool:
    """Whether `@public` stands at the endpoint."""
    return getattr(endpoint, "is_public", False)


def etag_of(body: bytes) -> str:
    """A strong validator: equal bytes, equal tag."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def known_etag(scope: Scope, etag: str) -> None:
    """Spare `add_cache_headers` the hashing: the tag of this answer is known."""
    scope[ETAG] = etag


def allows(scope: Scope) -> bool:
    """Whether this request's answer may be public: a GET, and no token sent or looked at."""
    if scope["method"] != "GET":
        return False
    context = context_of(scope)
    age = context.resources.settings.group(HttpSettings).client_cache_max_age
    return age > 0 and not context.personal and not _sent(scope, b"authorization")


def public_headers(scope: Scope, etag: str) -> list[tuple[bytes, bytes]]:
    """The headers of a public answer, as ASGI has them."""
    age = context_of(scope).resources.settings.group(HttpSettings).client_cache_max_age
    return [
        (b"cache-control", b"public, max-age=%d" % age),
        (b"etag", etag.encode()),
        (b"vary", b"Authorization, Cookie, X-API-Key"),
    ]


def is_known(scope: Scope, etag: str) -> bool:
    """Whether the client has this very answer already: If-None-Match, weak or strong, or `*`."""
    lines = [line.decode("latin-1") for line in _sent(scope, b"if-none-match")]
    tags = [tag.strip().removeprefix("W/") for line in lines for tag in line.split(",")]
    return etag in tags or "*" in tags


def _sent(scope: Scope, name: bytes) -> list[bytes]:
    """The request's headers of that name, which ASGI has in lower case."""
    return [value for header, value in scope["headers"] if header == name]


def add_cache_headers(scope: Scope, response: Response) -> Response:
    """Give a public route's answer its caching headers, or make it a 304.

    A streamed answer has no bytes yet to make a tag of, so it stays as it is.
    """
    body = getattr(response, "body", None)
    if response.status_code != 200 or body is None or not allows(scope):
        return response
    etag = scope.get(ETAG) or etag_of(bytes(body))
    headers = public_headers(scope, etag)
    if is_known(scope, etag):
        response = Response(status_code=304, background=response.background)
    # Not by `headers`, which looks through all of them for each.
    names = {name for name, _ in headers}
    headers += [header for header in response.raw_headers if header[0] not in names]
    response.raw_headers[:] = headers
    return response
