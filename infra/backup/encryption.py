"""Files that only the holder of the key can read, in the format of age (age-encryption.org/v1).

The server needs the recipient alone, with which nothing can be read. The program `age` opens the
files, too.
"""

import gzip
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

import pyrage
from pyrage import x25519

from infra.backup.errors import BackupError

Identity: TypeAlias = x25519.Identity  # opens
Recipient: TypeAlias = x25519.Recipient  # locks

ENDING = ".age"
QUICK = 1  # gzip's level: an empty segment of 16 MB becomes 70 kB in a fraction of a second


def make_keys() -> tuple[str, str]:
    """A new identity, which opens, and its recipient, which locks."""
    identity = Identity.generate()
    return str(identity), str(identity.to_public())


def read_recipient(file: Path | None) -> Recipient:
    """The key that locks. Raises BackupError."""
    if file is None:
        raise BackupError("BACKUP_RECIPIENT_FILE isn't set: whose key shall lock the backups?")
    for line in _lines(file):
        try:
            return Recipient.from_str(line)
        except pyrage.RecipientError:
            break
    raise BackupError(f"{file} holds no recipient, which begins with age1: hatch run backup keys")


def read_identity(file: Path) -> Identity:
    """The key that opens. Raises BackupError."""
    for line in _lines(file):
        try:
            return Identity.from_str(line)
        except pyrage.IdentityError:
            break
    raise BackupError(f"{file} holds no identity, which begins with AGE-SECRET-KEY-1.")


def seal_bytes(content: bytes, path: Path, recipient: Recipient) -> None:
    """Write the content, compressed and encrypted, as a whole or not at all."""
    with written(path) as file:
        file.write(pyrage.encrypt(gzip.compress(content, QUICK), [recipient]))


def seal_stream(source: IO[bytes], path: Path, recipient: Recipient) -> None:
    """Write what comes, which is compressed already."""
    with written(path) as file:
        pyrage.encrypt_io(source, file, [recipient])


def open_bytes(path: Path, identity: Identity) -> bytes:
    """What was sealed. Raises BackupError when it can't be opened or is damaged."""
    try:
        return gzip.decompress(pyrage.decrypt(path.read_bytes(), [identity]))
    except (pyrage.DecryptError, OSError, EOFError, zlib.error) as error:
        raise BackupError(_reason(path, error)) from None


@contextmanager
def opened(path: Path, identity: Identity) -> Iterator[IO[bytes]]:
    """What was sealed, still compressed. Raises BackupError at its end if it is damaged."""
    reading, writing = os.pipe()
    failure: list[Exception] = []

    def decrypt() -> None:
        with os.fdopen(writing, "wb") as sink, path.open("rb") as source:
            try:
                pyrage.decrypt_io(source, sink, [identity])
            except Exception as error:  # noqa: BLE001 (it is raised where the stream is read)
                failure.append(error)

    thread = threading.Thread(target=decrypt, daemon=True)
    try:
        with os.fdopen(reading, "rb") as stream:
            thread.start()
            yield stream
            while stream.read(1 << 20):
                pass
    except Exception:
        thread.join()
        if not failure:
            raise
    thread.join()
    if failure:
        raise BackupError(_reason(path, failure[0]))


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file that bears its name only once all of it is on the disk."""
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"{file} can't be read: {error}.") from None
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _reason(path: Path, error: Exception) -> str:
    if "No matching keys" in str(error):
        return f"This key doesn't open {path.name}: it was locked for another one."
    return f"{path.name} is damaged or cut off ({error}). Nothing was restored from it."
