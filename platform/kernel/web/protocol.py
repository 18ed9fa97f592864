"""An answer's head and its body leave in one write, so that a proxy gets all of it or nothing.

uvicorn writes them one after the other. A process that is killed in between leaves a proxy with a
head that it has passed on already, and no way to ask elsewhere; and each write is a system call.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, on a transport that holds a head until its body comes."""

    def connection_made(self, transport: Any) -> None:
        joining: Any = _Joining(transport, self.loop)
        super().connection_made(joining)


class _Joining:
    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._write, self._close, self._call_soon = transport.write, transport.close, loop.call_soon
        self._held = b""
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            self._write(self._held + data)
            self._held = b""
        elif data.startswith(b"HTTP/"):
            self._held = data
            self._call_soon(self._flush)  # for a body that is still being made
        else:
            self._write(data)

    def close(self) -> None:
        self._flush()
        self._close()

    def _flush(self) -> None:
        if self._held:
            self._write(self._held)
            self._held = b""
