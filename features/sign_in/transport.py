"""Calls of providers within bounds: of time, of what is answered, and of where it leads."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from ssl import SSLContext
from typing import Any, cast

import httpx2

MOST = 256 * 1024  # bytes of an answer; documents and key sets have some 10 kB


class ProviderAway(Exception):
    """A provider can't be reached, is too slow, or answers what no provider answers."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Reads an answer of at most MOST bytes, and takes no redirect for one."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # What is compressed may be any number of bytes.
        request.headers["Accept-Encoding"] = "identity"
        answer = await self._inner.handle_async_request(request)
        try:
            if answer.is_redirect or "Content-Encoding" in answer.headers:
                raise httpx2.ReadError("a redirect or a compressed answer")
            content = await _read(answer)
        finally:
            await answer.aclose()
        headers = [(n, v) for n, v in answer.headers.raw if n.lower() != b"transfer-encoding"]
        return httpx2.Response(answer.status_code, headers=headers, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _read(answer: httpx2.Response) -> bytes:
    content = bytearray()
    assert isinstance(answer.stream, httpx2.AsyncByteStream)
    async for part in answer.stream:
        content += part
        if len(content) > MOST:
            raise httpx2.ReadError("too large an answer")
    return bytes(content)


def bounded() -> BoundedTransport:
    """A transport for one call. A connection of its own: sign-ins are few, and last long."""
    return BoundedTransport(httpx2.AsyncHTTPTransport(verify=_certificates()))


@cache
def _certificates() -> SSLContext:
    return httpx2.create_ssl_context()


@asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None, None]:
    """What is done inside may take that long, all in all. Raises ProviderAway for what fails on the
    way there and back."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise ProviderAway(type(error).__name__) from error


async def get_json(url: str, token: str = "") -> dict[str, Any]:
    """What a provider answers, with that access token; to be called inside `within`.

    Raises ProviderAway, and httpx2's errors.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=bounded(), timeout=None) as client:
        answer = await client.get(url, headers=headers)
    try:
        said = answer.raise_for_status().json()
    except (ValueError, RecursionError) as error:
        raise ProviderAway("it answered no JSON") from error
    if not isinstance(said, dict):
        raise ProviderAway("it answered no JSON object")
    return cast(dict[str, Any], said)
