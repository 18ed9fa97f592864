"""What is kept of an answer: its ETag, its media type and its body."""

from starlette.responses import Response
from starlette.types import Scope

from kernel.cache.client_side import etag_of, known_etag

MAX_ENTRY_BYTES = 1024 * 1024
PLAIN_HEADERS = {"content-type", "content-length"}


def encode_entry(response: Response) -> bytes | None:
    """The entry for a response; None for one that isn't kept: another status than 200, a stream
    or a file, headers of its own, a background task, more than 1 MiB."""
    body = getattr(response, "body", None)
    plain = response.background is None and PLAIN_HEADERS.issuperset(response.headers)
    if body is None or not plain or response.status_code != 200 or len(body) > MAX_ENTRY_BYTES:
        return None
    media_type = response.headers.get("content-type", "").encode("latin-1")
    return b"\n".join([etag_of(bytes(body)).encode(), media_type, bytes(body)])


def decode_entry(entry: bytes) -> tuple[str, bytes, bytes]:
    """The ETag, the media type (empty for none) and the body of an entry."""
    etag, media_type, body = entry.split(b"\n", 2)
    return etag.decode(), media_type, body


def entry_response(scope: Scope, entry: bytes) -> Response:
    """The response that an entry was made of."""
    etag, media_type, body = decode_entry(entry)
    known_etag(scope, etag)
    return Response(
        body, headers={"content-type": media_type.decode("latin-1")} if media_type else {}
    )
