"""How old the backups are: for a person, for the container's health, and for Prometheus."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.backup import gaps
from infra.backup.encryption import written
from infra.backup.options import Options
from infra.backup.repository import Cluster, clusters

GAP = """\
The log has a gap: until {after} any time can be restored, and none after it before a base backup is
complete. `backup run` takes one at once; `backup take` does it by hand."""
LATE = 1.5  # of the time between two base backups
METRICS = (
    ("backup_base_timestamp_seconds", "When the newest base backup was complete."),
    ("backup_base_bytes", "Its size, compressed and encrypted."),
    ("backup_base_duration_seconds", "How long it took."),
    ("backup_reach_timestamp_seconds", "Until when the database can be restored."),
    ("backup_gap_timestamp_seconds", "When the newest gap of the log was found, if there is one."),
)


def tell(options: Options) -> int:
    """Print what there is; the exit code is 1 when it is late or missing."""
    found = clusters(options.repository)
    if not found:
        print(f"There is no backup in {options.repository}.")
        return 1
    for cluster in found:
        print(f"cluster {cluster.folder.name}")
        for backup in cluster.backups():
            print(f"  {backup.ended_at:%Y-%m-%d %H:%M:%S%z}  {backup.bytes / 1e6:10.1f} MB")
        if cluster.reach:
            print(f"  restores until {cluster.reach.until.isoformat(timespec='seconds')}")
        for gap in gaps.read(cluster):
            if ended := gap.ended_by(cluster.backups()):
                print(f"  but not between {gap.after:%Y-%m-%d %H:%M:%S%z}", end="")
                print(f" and {ended.ended_at:%Y-%m-%d %H:%M:%S%z}: a gap of the log")
    problems = list(late(found[-1], options, datetime.now(UTC)))
    print(*problems or ["all is well"], sep="\n")
    return 1 if problems else 0


def late(cluster: Cluster, options: Options, now: datetime) -> Iterator[str]:
    """What is older than it may be."""
    backups, reach = cluster.backups(), cluster.reach
    hours = (now - backups[-1].ended_at).total_seconds() / 3600 if backups else None
    if hours is None:
        yield "There is no complete base backup yet."
    elif hours > options.every_hours * LATE:
        yield f"The newest base backup is {hours:.0f} hours old."
    seconds = (now - reach.until).total_seconds() if reach else None
    gap = gaps.open_gap(cluster)
    if seconds is None:
        yield "The log isn't archived yet."
    elif gap is not None:
        yield GAP.format(after=gap.after.isoformat(timespec="seconds"))
    elif seconds > options.late_after:
        yield f"The log hasn't been archived for {seconds:.0f} seconds."


def write_metrics(cluster: Cluster) -> None:
    """Write them for node_exporter's textfile collector; the values are Unix times and bytes."""
    backups, reach = cluster.backups(), cluster.reach
    found = max((gap.found_at.timestamp() for gap in gaps.read(cluster)), default=None)
    until = reach.until.timestamp() if reach else None
    values: list[float | None] = [None, None, None, until, found]
    if backups:
        newest = backups[-1]
        seconds = (newest.ended_at - newest.began_at).total_seconds()
        values[:3] = [newest.ended_at.timestamp(), newest.bytes, seconds]
    lines = []
    for (name, help_text), value in zip(METRICS, values, strict=True):
        if value is not None:
            labels = f'{{system="{cluster.folder.name}"}}'
            lines += [
                f"# HELP {name} {help_text}",
                f"# TYPE {name} gauge",
                f"{name}{labels} {value}",
            ]
    with written(cluster.folder / "metrics.prom") as file:
        file.write(("\n".join(lines) + "\n").encode())
