"""The folder of backups: a folder for each cluster, with its base backups and its log.

<system identifier>/base/<UTC time>/base.tar.gz.age, backup.json
<system identifier>/wal/<segment>.gz.age
<system identifier>/reach.json      until when a restore can go
<system identifier>/gaps.json       where log is missing (gaps.py)
<system identifier>/metrics.prom    for node_exporter's textfile collector
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from infra.backup.encryption import ENDING, written
from infra.backup.errors import BackupError
from infra.backup.segments import PARTIAL, SEGMENT, Position, number_of, segment_at

ARCHIVE = "base.tar.gz" + ENDING
PACKED = ".gz" + ENDING
UNFINISHED = ".new"


@dataclass(frozen=True)
class Backup:
    """A base backup: from `ended_at` on, the log leads from it to any later time."""

    name: str
    began_at: datetime
    ended_at: datetime
    timeline: int
    first_segment: str
    last_position: int
    segment_size: int
    bytes: int


@dataclass(frozen=True)
class Reach:
    """The database can be restored as it was at any time until `until`."""

    until: datetime
    position: int


class Cluster:
    """The backups of one database cluster, which its system identifier tells from any other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base, self.wal = folder, folder / "base", folder / "wal"

    def make(self) -> None:
        """Make the folders. Raises BackupError."""
        try:
            for folder in (self.base, self.wal):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BackupError(f"{self.folder} can't be written to: {error.strerror}.") from None

    def backups(self) -> list[Backup]:
        """Those that are complete, the oldest first."""
        found = []
        for file in sorted(self.base.glob("*/backup.json")):
            if file.parent.suffix != UNFINISHED:
                known = json.loads(file.read_text())
                for moment in ("began_at", "ended_at"):
                    known[moment] = datetime.fromisoformat(known[moment])
                found.append(Backup(**known))
        return found

    def archive_of(self, backup: Backup) -> Path:
        """The backup's encrypted file."""
        return self.base / backup.name / ARCHIVE

    def packed(self, name: str) -> Path:
        """Where a file of the log lies."""
        return self.wal / f"{name}{PACKED}"

    def segments(self) -> Iterator[str]:
        """The names of the segments that are there, the partial ones with their ending."""
        for file in sorted(self.wal.glob(f"*{PACKED}")):
            name = file.name.removesuffix(PACKED)
            if SEGMENT.fullmatch(name.removesuffix(PARTIAL)):
                yield name

    @property
    def newest_timeline(self) -> int:
        """The one that the database is on since it was restored last; 1 if it never was."""
        return max((int(name[:8], 16) for name in self.segments()), default=1)

    @property
    def reach(self) -> Reach | None:
        """Until when a restore can go; None before the first look."""
        file = self.folder / "reach.json"
        if not file.exists():
            return None
        known = json.loads(file.read_text())
        return Reach(datetime.fromisoformat(known["until"]), known["position"])

    def set_reach(self, reach: Reach) -> None:
        """Write down until when a restore can go."""
        write_json(self.folder / "reach.json", asdict(reach))

    def lacks(self, backup: Backup) -> str | None:
        """The first segment that the base backup needs of the log and that isn't archived."""
        size, there = backup.segment_size, {name[:24] for name in self.segments()}
        numbers = range(number_of(backup.first_segment, size), -(-backup.last_position // size))
        needed = (segment_at(Position(one * size), backup.timeline, size) for one in numbers)
        return next((name for name in needed if name not in there), None)

    def keep(self, backup: Backup, unfinished: Path) -> None:
        """Let an unfinished folder be a backup."""
        write_json(unfinished / "backup.json", asdict(backup))
        unfinished.rename(self.base / backup.name)

    def forget_before(self, moment: datetime) -> list[str]:
        """Delete what no time after the moment needs; the names of the base backups that went."""
        for left in self.base.glob(f"*{UNFINISHED}"):
            if datetime.fromtimestamp(left.stat().st_mtime, moment.tzinfo) < moment:
                shutil.rmtree(left)
        backups = self.backups()
        old = [one for one in backups if one.ended_at < moment][:-1]
        for one in old:
            # Under another name first: half a backup must not look like one.
            going = (self.base / one.name).rename(self.base / f"{one.name}{UNFINISHED}")
            shutil.rmtree(going)
        if old:
            oldest = backups[len(old)]
            size = oldest.segment_size
            first = number_of(oldest.first_segment, size)
            for name in list(self.segments()):
                if number_of(name, size) < first:
                    self.packed(name).unlink()
        return [one.name for one in old]


def clusters(repository: Path) -> list[Cluster]:
    """The clusters that have backups here, the one that was archived last at the end."""
    found = [Cluster(folder.parent) for folder in repository.glob("*/base")]
    return sorted(found, key=lambda one: one.reach.until.timestamp() if one.reach else 0.0)


def chosen(repository: Path, system: str | None) -> Cluster:
    """The cluster of that identifier, or the only one. Raises BackupError."""
    found = {one.folder.name: one for one in clusters(repository)}
    if system in found:
        return found[system]
    if system is not None or len(found) != 1:
        there = ", ".join(sorted(found)) or "none"
        raise BackupError(f"{repository} has backups of these clusters: {there}. Say --system ID.")
    return next(iter(found.values()))


def at_least(backups: list[Backup], moment: datetime) -> Backup | None:
    """The newest backup that ended before the moment."""
    return next((one for one in reversed(backups) if one.ended_at <= moment), None)


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def write_json(path: Path, values: object) -> None:
    """Write a file of JSON that bears its name only once it is whole."""
    with written(path) as file:
        file.write(json.dumps(values, indent=2, default=str).encode() + b"\n")
