"""Gaps of the log: what was written in one is archived nowhere, and can't be restored."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from infra.backup.repository import Backup, Cluster, write_json

FILE = "gaps.json"


@dataclass(frozen=True)
class Gap:
    """After `after` the log is missing, as was found at `found_at` on that timeline.

    A base backup that began later has all of its log again.
    """

    after: datetime
    found_at: datetime
    timeline: int

    def ended_by(self, backups: Sequence[Backup]) -> Backup | None:
        """The base backup from whose end on any time can be restored again; None as yet."""
        return next((one for one in backups if one.began_at >= self.found_at), None)


def read(cluster: Cluster) -> list[Gap]:
    """The gaps between times that can be restored; those before the oldest base backup aren't."""
    file, backups = cluster.folder / FILE, cluster.backups()
    if not file.exists() or not backups:
        return []
    known = [_parse(one) for one in json.loads(file.read_text())]
    return [one for one in known if backups[0].began_at < one.found_at]


def open_gap(cluster: Cluster) -> Gap | None:
    """The first gap that no base backup has ended: nothing after it can be restored yet."""
    backups = cluster.backups()
    return next((one for one in read(cluster) if one.ended_by(backups) is None), None)


def add(cluster: Cluster, gap: Gap) -> None:
    """Write it down, in place of the same one found before; those that no longer matter go."""
    others = [one for one in read(cluster) if one.after != gap.after]
    write_json(cluster.folder / FILE, [asdict(one) for one in (*others, gap)])


def _parse(known: dict[str, str | int]) -> Gap:
    after, found_at = (datetime.fromisoformat(str(known[name])) for name in ("after", "found_at"))
    return Gap(after, found_at, int(known["timeline"]))
