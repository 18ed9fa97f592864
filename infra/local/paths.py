"""What a server keeps beside its data: its port, its password, and the last lines of its log."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ATTEMPTS = 5  # ports to try: another program may take one between our look and the server's start


def private_folder(path: Path) -> Path:
    """Make a folder (and those above it) that only we may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    new = path.with_name(f"{path.name}.new-{os.getpid()}")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def password(path: Path) -> str:
    """The password kept in that file, made on the first call."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(18))
    return path.read_text()


def ports(remembered: Path) -> Iterator[int]:
    """Free ports of this machine, the one used last time first.

    So that other tools find a server again where they found it yesterday.
    """
    with suppress(OSError, ValueError):
        last = int(remembered.read_text())
        if is_free(last):
            yield last
    for _ in range(ATTEMPTS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        yield port


def is_free(port: int) -> bool:
    """Whether that port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError, OverflowError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


def last_lines(log: Path, count: int = 15) -> list[str]:
    """The end of a log file; [] when there is none."""
    with suppress(OSError):
        return log.read_text(errors="replace").splitlines()[-count:]
    return []
