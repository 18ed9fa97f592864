"""The write-ahead log on its way: received as it is written, encrypted, kept; and back again."""

import shutil
from pathlib import Path

from infra.backup import encryption, gaps, server
from infra.backup.encryption import Recipient, seal_bytes
from infra.backup.errors import BackupError
from infra.backup.repository import Cluster
from infra.backup.segments import HISTORY, PARTIAL, SEGMENT
from infra.local import processes
from infra.local.processes import Child

REFETCHING = "refetching"  # a file of the spool
BROKEN = 200  # above 125, so that PostgreSQL gives up instead of ending the recovery there
MISSING = """\
The segment {name} of the log is missing, and later ones are there: nothing that came
after it can be restored. Say a time before it was written."""


def start_receiver(spool: Path) -> Child:
    """Receive the log into the spool as it is written; the server keeps what isn't received."""
    program = str(server.program("pg_receivewal"))
    command = [program, "--directory", str(spool), "--slot", server.SLOT, "--no-password"]
    slot = [*command, "--create-slot", "--if-not-exists"]
    environment = server.environment(PGAPPNAME=server.RECEIVER)
    log = spool / "receiver.log"
    with log.open("wb") as output:
        child = processes.start("pg_receivewal", slot, env=environment, output=output)
        child.process.wait()
        if child.process.returncode:
            raise BackupError(f"The log can't be received: {log.read_text().strip()}")
        child.stop()
        more = ["--no-loop", "--status-interval=1"]
        return processes.start("pg_receivewal", [*command, *more], env=environment, output=output)


def pack(spool: Path, cluster: Cluster, recipient: Recipient) -> int:
    """Encrypt what is complete and take it out of the spool; how many segments that was."""
    packed = 0
    for file in sorted(spool.iterdir()):
        if SEGMENT.fullmatch(file.name) or HISTORY.fullmatch(file.name):
            seal_bytes(file.read_bytes(), cluster.packed(file.name), recipient)
            cluster.packed(f"{file.name}{PARTIAL}").unlink(missing_ok=True)
            file.unlink()
            packed += 1
    return packed


def refetch(spool: Path, segment: str) -> None:
    """Let the receiver begin with that segment, which it goes on with if it is there."""
    file = spool / f"{segment}{PARTIAL}"
    if not file.exists():
        (spool / REFETCHING).touch()
        file.touch()


def refetched(spool: Path) -> None:
    """Say that the receiver has got as far as it once was."""
    (spool / REFETCHING).unlink(missing_ok=True)


def pack_partial(spool: Path, cluster: Cluster, recipient: Recipient) -> None:
    """Encrypt what there is of the segment that is being written.

    Not while it is fetched once more: what is archived may have more of it.
    """
    if (spool / REFETCHING).exists():
        return
    for file in sorted(spool.glob(f"*{PARTIAL}")):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue  # complete meanwhile: the next look packs it
        seal_bytes(content, cluster.packed(file.name), recipient)


def fetch(cluster: Cluster, identity_file: Path, said: Path, name: str, target: Path) -> int:
    """Give PostgreSQL a file of the log; what is wrong with it goes into `said`; the exit code."""
    for there in (name, f"{name}{PARTIAL}"):
        packed = cluster.packed(there)
        if packed.exists():
            try:
                content = encryption.open_bytes(packed, encryption.read_identity(identity_file))
            except BackupError as error:
                said.write_text(str(error))
                return BROKEN
            unfinished = target.with_name(f"{target.name}.new")
            unfinished.write_bytes(content)
            shutil.move(unfinished, target)
            return 0
    if SEGMENT.fullmatch(name) and _is_missed(cluster, name):
        said.write_text(MISSING.format(name=name))
        return BROKEN
    return 1


def _is_missed(cluster: Cluster, name: str) -> bool:
    """Whether the log goes on after the segment, and PostgreSQL can't do without it.

    Where a timeline's first segments are in a gap, the earlier timeline's lead up to the gap.
    """
    timeline, there = name[:8], [*cluster.segments()]
    if not any(one[:8] == timeline and one[:24] > name for one in there):
        return False
    earlier = any(one[8:24] == name[8:] and one[:8] < timeline for one in there)
    return not earlier or all(gap.timeline != int(timeline, 16) for gap in gaps.read(cluster))
