"""The API's socket. The dev command holds it, so that requests wait while the API restarts."""

import errno
import http.client
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from infra.local.errors import LocalError
from infra.local.paths import is_free


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything is started. Raises LocalError with the way out."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, OverflowError) as error:
        raise LocalError(
            f"There is no address to listen on for host {host!r}, port {port}: {error}."
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise LocalError(_refusal(host, port, error)) from error
    listener.listen(128)
    return listener


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = next((free for free in range(port + 1, port + 100) if is_free(free)), port + 1)
        return (
            f"Port {port} of {host} is taken by another program.\n"
            f"Stop that program, or take another port: `hatch run dev --port {other}` "
            "(PORT in .env does it for good)."
        )
    if error.errno == errno.EACCES:
        return f"Only an administrator may listen on port {port}: take one above 1023 by --port."
    return (
        f"Can't listen on {host}, port {port}: {error.strerror}. Choose others by --host, --port."
    )


def address_for_people(listener: socket.socket) -> str:
    """The URL under which a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not bound here)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def when_answered(address: str, then: Callable[[], None]) -> None:
    """Call `then`, in a thread, once a request there is answered; whatever the answer is."""

    def knock() -> None:
        # One request is enough: it waits in the socket's queue until a process accepts it.
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
            connection.request("GET", "/health")
            connection.getresponse()
            then()

    threading.Thread(target=knock, daemon=True).start()
