"""Answers to what never became a request: malformed, too large, too slow, too many."""

import os
from http import HTTPStatus

import structlog

from kernel.web.outer_middleware import SECURITY_HEADERS
from kernel.web.problems import MEDIA_TYPE, problem_body

log = structlog.get_logger("kernel.access")

MAX_PATH = 200


def early_answer(status: int, detail: str, url: bytes, client: tuple[str, int] | None) -> bytes:
    """A whole problem answer, head and body, that closes the connection; it is logged."""
    request_id = os.urandom(16).hex()
    path = url[:MAX_PATH].partition(b"?")[0].decode("latin-1") or "/"
    address = client[0] if client else None
    log.info("request refused", status=status, reason=detail, client=address, request_id=request_id)
    body = problem_body(status, detail, path)
    headers = {
        b"content-type": MEDIA_TYPE.encode(),
        b"content-length": str(len(body)).encode(),
        b"connection": b"close",
        b"cache-control": b"no-store",
        b"x-request-id": request_id.encode(),
        **({b"retry-after": b"5"} if status == 503 else {}),
        **SECURITY_HEADERS,
    }
    head = b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode())
    lines = b"".join(b"%s: %s\r\n" % header for header in headers.items())
    return head + lines + b"\r\n" + body
