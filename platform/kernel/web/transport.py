"""An answer's head and its body leave in one write, so that a proxy gets all of it or nothing.

uvicorn writes them one after the other. A process that is killed in between leaves a proxy with a
head that it has passed on already, and no way to ask elsewhere; and each write is a system call.
"""

from typing import Any

# A larger body is written by itself: joining would copy it.
MAX_JOINED = 256 * 1024


class JoiningTransport:
    """A transport that holds a head until its body comes, and asks its protocol how to close."""

    def __init__(self, transport: Any, protocol: Any) -> None:
        self._write, self._close = transport.write, transport.close
        self._call_soon = protocol.loop.call_soon
        self._held = b""
        self._transport, self._protocol = transport, protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held and len(data) <= MAX_JOINED:
            self._write(self._held + data)
            self._held = b""
        elif data.startswith(b"HTTP/"):
            self._held = data
            self._call_soon(self._flush)  # for a body that is still being made
        else:
            self._flush()
            self._write(data)

    def is_closing(self) -> bool:
        return bool(self._protocol.closing or self._transport.is_closing())

    def close(self) -> None:
        self._flush()
        if self._protocol.begin_closing():
            self._close()

    def _flush(self) -> None:
        if self._held:
            self._write(self._held)
            self._held = b""
