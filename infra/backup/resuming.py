"""Where the log goes on: right after what is archived, or after a gap where the server has less.

Not where the replication slot says: it may be new, on another server, or have been given up, and
then pg_receivewal would begin at the server's present position, or never.
"""

from collections.abc import Sequence
from pathlib import Path

from infra.backup import gaps, log, server
from infra.backup.errors import BackupError
from infra.backup.gaps import Gap
from infra.backup.repository import Cluster
from infra.backup.segments import PARTIAL, Position, number_of, segment_at
from infra.backup.server import Identity

BEHIND = """\
The log is archived up to the segment {segment}, which this server hasn't come to: it is an older
copy of the database on the same timeline. Give its backups a folder of their own
(BACKUP_DIRECTORY), or let the newer one be backed up again."""


def prepare(spool: Path, cluster: Cluster, identity: Identity) -> Gap | None:
    """Let the receiver begin where the archive ends; the gap if the server no longer has that.

    Raises BackupError for a server that is behind what is archived.
    """
    segment = next_segment(cluster, server.chain(identity.timeline), identity.segment_size)
    for file in spool.glob(f"*{PARTIAL}"):
        if file.name != f"{segment}{PARTIAL}":
            file.unlink()
    if segment is None:
        return None
    number = number_of(segment, identity.segment_size)
    newest = identity.position.bytes // identity.segment_size
    if number > newest:
        raise BackupError(BEHIND.format(segment=segment))
    if number == newest or server.has_segment(segment):
        log.refetch(spool, segment)
        return None
    (spool / f"{segment}{PARTIAL}").unlink(missing_ok=True)
    reach = cluster.reach
    if reach is None:
        return None  # and no base backup either, which would wait for that
    gap = Gap(reach.until, server.now(), identity.timeline)
    gaps.add(cluster, gap)
    return gap


def next_segment(
    cluster: Cluster, chain: Sequence[tuple[int, int | None]], size: int
) -> str | None:
    """The first segment that isn't archived whole; None if there is nothing yet.

    `chain` has the server's timeline and its past, the newest first, each with the position in
    bytes where it was left.
    """
    archived, later = [*cluster.segments()], 0
    for timeline, end in chain:
        found = [_following(one, size) for one in archived if int(one[:8], 16) == timeline]
        if found and (end is None or max(found) < end // size):
            return segment_at(Position(max(found) * size), timeline, size)
        if found and end is not None:
            # The later timeline's first segment begins with a copy of what stands before the end.
            return segment_at(Position(end), later, size)
        later = timeline
    return None


def _following(name: str, size: int) -> int:
    return number_of(name, size) + (0 if name.endswith(PARTIAL) else 1)
