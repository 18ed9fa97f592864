"""Which base backup leads to a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from infra.backup import encryption
from infra.backup.errors import BackupError
from infra.backup.repository import Backup, Cluster, at_least
from infra.backup.segments import parse_history

TOO_EARLY = "The oldest backup was complete at {first}: {target} is before that."
TOO_LATE = "The log reaches until {until}: {target} is after that. Without --to you get all of it."


@dataclass(frozen=True)
class Target:
    """What shall be restored: `moment` (None: all there is) of a timeline (None: the newest)."""

    moment: datetime | None = None
    timeline: int | None = None


def choose(cluster: Cluster, identity: encryption.Identity, target: Target) -> Backup:
    """The base backup to begin with. Raises BackupError for a time that can't be reached."""
    moment, reach = target.moment, cluster.reach
    backups = list(_of_timeline(cluster, identity, target.timeline or cluster.newest_timeline))
    if not backups:
        raise BackupError(f"{cluster.base} holds no complete base backup of that timeline.")
    if moment is None:
        return backups[-1]
    if reach is None or moment > reach.until:
        until = reach.until.isoformat() if reach else "nowhere"
        raise BackupError(TOO_LATE.format(until=until, target=moment.isoformat()))
    found = at_least(backups, moment)
    if found is None:
        first = backups[0].ended_at.isoformat()
        raise BackupError(TOO_EARLY.format(first=first, target=moment.isoformat()))
    return found


def _of_timeline(
    cluster: Cluster, identity: encryption.Identity, timeline: int
) -> Iterator[Backup]:
    """The base backups that the timeline's log goes on from, those of its past among them."""
    file = cluster.packed(f"{timeline:08X}.history")
    past = parse_history(encryption.open_bytes(file, identity).decode()) if file.exists() else {}
    for backup in cluster.backups():
        if backup.timeline == timeline or backup.last_position <= past.get(backup.timeline, -1):
            yield backup
