"""Which base backup leads to a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from infra.backup import encryption, gaps
from infra.backup.errors import BackupError
from infra.backup.gaps import Gap
from infra.backup.repository import Backup, Cluster, at_least
from infra.backup.segments import parse_history

TOO_EARLY = "The oldest backup was complete at {first}: {target} is before that."
IN_GAP = """\
The log has a gap: after {after} the next time that can be restored is {until}.
{target} is between."""
OPEN_GAP = """\
The log has a gap, and no base backup was made since: after {after} nothing can be restored. For
what there was then, say --to {after}"""
TOO_LATE = "The log reaches until {until}: {target} is after that. Without --to you get all of it."


@dataclass(frozen=True)
class Target:
    """What shall be restored: `moment` (None: all there is) of a timeline (None: the newest)."""

    moment: datetime | None = None
    timeline: int | None = None


def choose(cluster: Cluster, identity: encryption.Identity, target: Target) -> Backup:
    """The base backup to begin with. Raises BackupError for a time that can't be reached."""
    moment, reach = target.moment, cluster.reach
    timeline = target.timeline or cluster.newest_timeline
    past = _past(cluster, identity, timeline)
    backups = [*_of_timeline(cluster, timeline, past)]
    if not backups:
        raise BackupError(f"{cluster.base} holds no complete base backup of that timeline.")
    for gap in gaps.read(cluster):
        if gap.timeline == timeline or gap.timeline in past:
            _refuse_inside(gap, backups, moment)
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


def _past(cluster: Cluster, identity: encryption.Identity, timeline: int) -> dict[int, int]:
    """Where each timeline was left that leads to this one."""
    file = cluster.packed(f"{timeline:08X}.history")
    return parse_history(encryption.open_bytes(file, identity).decode()) if file.exists() else {}


def _refuse_inside(gap: Gap, backups: Sequence[Backup], moment: datetime | None) -> None:
    """Raise BackupError for a time that the gap has swallowed."""
    ended, after = gap.ended_by(backups), gap.after.isoformat()
    if ended is None and (moment is None or moment > gap.after):
        raise BackupError(OPEN_GAP.format(after=after))
    if ended is not None and moment is not None and gap.after < moment < ended.ended_at:
        until, target = ended.ended_at.isoformat(), moment.isoformat()
        raise BackupError(IN_GAP.format(after=after, until=until, target=target))


def _of_timeline(cluster: Cluster, timeline: int, past: Mapping[int, int]) -> Iterator[Backup]:
    """The base backups that the timeline's log goes on from, those of its past among them."""
    for backup in cluster.backups():
        if backup.timeline == timeline or backup.last_position <= past.get(backup.timeline, -1):
            yield backup
