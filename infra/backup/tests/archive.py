"""An archive without a server: base backups and segments that were never made."""

from datetime import UTC, datetime
from pathlib import Path

from infra.backup.repository import ARCHIVE, Backup, Cluster
from infra.backup.segments import Position, segment_at

MEGABYTES_16 = 1 << 24
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def make_cluster(folder: Path) -> Cluster:
    """An empty archive of a cluster."""
    made = Cluster(folder / "backups" / "7")
    made.make()
    return made


def add(cluster: Cluster, ended_at: datetime, segment: int, timeline: int = 1) -> Backup:
    """A base backup that was made in a moment, in that segment of the log."""
    name = f"{ended_at:%Y%m%dT%H%M%S}"
    first = segment_at(Position(segment * MEGABYTES_16), timeline, MEGABYTES_16)
    backup = Backup(
        name,
        began_at=ended_at,
        ended_at=ended_at,
        timeline=timeline,
        first_segment=first,
        last_position=segment * MEGABYTES_16 + 5,
        segment_size=MEGABYTES_16,
        bytes=5,
    )
    unfinished = cluster.base / f"{name}.new"
    unfinished.mkdir()
    (unfinished / ARCHIVE).write_bytes(b"x")
    cluster.keep(backup, unfinished)
    return backup


def name_of(segment: int, timeline: int = 1) -> str:
    """The name of the segment of that number."""
    return segment_at(Position(segment * MEGABYTES_16), timeline, MEGABYTES_16)


def archive(
    cluster: Cluster, *segments: int, timeline: int = 1, partial: int | None = None
) -> None:
    """Let these segments be archived, and the beginning of another one."""
    for one in segments:
        cluster.packed(name_of(one, timeline)).touch()
    if partial is not None:
        cluster.packed(f"{name_of(partial, timeline)}.partial").touch()
