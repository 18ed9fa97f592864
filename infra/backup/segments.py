"""Names of segments of the write-ahead log, and positions in it (PostgreSQL, `XLogFileName`)."""

import re
from typing import NamedTuple

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"[0-9A-F]{8}\.history")
PARTIAL = ".partial"


class Position(NamedTuple):
    """A place in the log as bytes from its beginning."""

    bytes: int

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Of the text that PostgreSQL shows, such as 0/2000028."""
        high, low = text.split("/")
        return cls((int(high, 16) << 32) + int(low, 16))


def parse_history(text: str) -> dict[int, int]:
    """Where each earlier timeline was left, of the file that a later one has of them."""
    lines = (line.split() for line in text.splitlines() if line[:1].isdigit())
    return {int(timeline): Position.parse(left).bytes for timeline, left, *_ in lines}


def number_of(segment: str, size: int) -> int:
    """The segment's number, whatever its timeline."""
    return int(segment[8:16], 16) * (0x1_0000_0000 // size) + int(segment[16:24], 16)


def segment_at(position: Position, timeline: int, size: int) -> str:
    """The name of the segment that holds the position."""
    number, each = position.bytes // size, 0x1_0000_0000 // size
    return f"{timeline:08X}{number // each:08X}{number % each:08X}"
