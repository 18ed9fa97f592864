"""What a reader that missed needs to store what it has loaded."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Ticket:
    """Permission to store a value: its key, and the versions read before loading it."""

    key: str
    names: tuple[str, ...]
    versions: tuple[bytes, ...]
    header: bytes
    """What the stored value begins with."""
    signed: bool = False
