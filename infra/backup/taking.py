"""One base backup: pg_basebackup's tar, compressed and encrypted on its way to the disk."""

import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from infra.backup import gaps, server
from infra.backup.encryption import Recipient, read_recipient, seal_stream
from infra.backup.errors import BackupError
from infra.backup.options import Options
from infra.backup.repository import ARCHIVE, UNFINISHED, Backup, Cluster, days
from infra.backup.segments import Position, segment_at

LOG_WAIT = 120.0  # seconds for the log of the backup's own end to be archived
NO_LOG = """\
The base backup is made, and the log that it needs doesn't arrive: is `backup run` running? It was
given up after {seconds:.0f} seconds; what was there before is as it was."""

LOG_GONE = """\
The base backup is made, and the segment {segment} of the log, which it needs, was lost meanwhile.
It was given up; `backup run` takes another one."""


def take(options: Options, log_wait: float = LOG_WAIT) -> tuple[Backup, list[str]]:
    """Make a base backup; it, and the names of the old ones that went. Raises BackupError."""
    recipient = read_recipient(options.recipient_file)
    identity = server.identify()
    cluster = Cluster(options.repository / identity.system)
    cluster.make()
    # Before its checkpoint, and after its end: what is between is what it needs of the log.
    began_at, first = server.mark()
    name = began_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    unfinished = cluster.base / f"{name}{UNFINISHED}"
    unfinished.mkdir(mode=0o700)
    try:
        _stream(unfinished / ARCHIVE, recipient)
        ended_at, last = server.mark()
        _await_log(cluster, last, log_wait)
        backup = Backup(
            name,
            began_at,
            ended_at,
            timeline=identity.timeline,
            first_segment=segment_at(first, identity.timeline, identity.segment_size),
            last_position=last.bytes,
            segment_size=identity.segment_size,
            bytes=(unfinished / ARCHIVE).stat().st_size,
        )
        if lacking := cluster.lacks(backup):
            raise BackupError(LOG_GONE.format(segment=lacking))
        cluster.keep(backup, unfinished)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return backup, cluster.forget_before(backup.ended_at - days(options.keep_days))


def due(cluster: Cluster, timeline: int, moment: datetime, every_hours: float) -> bool:
    """Whether it is time for the next one.

    A restored database needs one of its own at once, and so does one whose log has a gap.
    """
    newest = next(iter(cluster.backups()[::-1]), None)
    if newest is None or newest.timeline != timeline or gaps.open_gap(cluster):
        return True
    return (moment - newest.ended_at).total_seconds() >= every_hours * 3600


def _stream(path: Path, recipient: Recipient) -> None:
    """Run pg_basebackup into the file. Raises BackupError."""
    program = str(server.program("pg_basebackup"))
    command = [program, "--pgdata=-", "--format=tar", "--gzip", "--wal-method=none"]
    process = subprocess.Popen(
        [*command, "--checkpoint=fast", "--no-password", "--label=backup"],
        env=server.environment(PGAPPNAME="backup-base"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors, said = process.stderr, list[bytes]()
    reader = threading.Thread(target=lambda: said.append(errors.read()), daemon=True)
    reader.start()
    try:
        seal_stream(process.stdout, path, recipient)
    except OSError as error:
        raise BackupError(f"The backup can't be written: {error}.") from None
    finally:
        process.stdout.close()
        process.wait()
        reader.join()
    if process.returncode:
        text = b"".join(said).decode(errors="replace").strip()
        raise BackupError(f"pg_basebackup: {text}")


def _await_log(cluster: Cluster, position: Position, seconds: float) -> None:
    """Wait until the log up to the position is kept. Raises BackupError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reach = cluster.reach
        if reach is not None and reach.position >= position.bytes:
            return
        time.sleep(0.2)
    raise BackupError(NO_LOG.format(seconds=seconds))
