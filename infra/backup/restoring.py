"""A database as it was at a time: into a new folder, which appears only when all went well."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from infra.backup import encryption, server
from infra.backup.choosing import Target, choose
from infra.backup.errors import BackupError
from infra.backup.repository import Backup, Cluster
from infra.local import processes
from infra.local.console import say, step
from infra.local.processes import Child

ROOT = Path(__file__).resolve().parents[2]
BEYOND = """\
The log ends before {target}: it was cut off, or its last part was lost.
Say an earlier time, or leave --to away for the last state that there is."""


def restore(cluster: Cluster, identity_file: Path, target: Target, into: Path) -> Backup:
    """Make `into` a data folder of PostgreSQL as of the time.

    The result is the base backup that it began with. After a BackupError there is no `into`.
    """
    refuse(into)
    backup = choose(cluster, encryption.read_identity(identity_file), target)
    try:
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _staging(into) as staging:
            _fill(staging, cluster, identity_file, backup, target)
            if into.exists():
                into.rmdir()  # empty, as looked at above
            staging.rename(into)
    except OSError as error:
        raise BackupError(f"{into}: {error.strerror or error}. Nothing was restored.") from None
    return backup


@contextmanager
def _staging(into: Path) -> Iterator[Path]:
    """A folder of its own beside it; gone at the end, unless it got another name."""
    staging = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(
    staging: Path, cluster: Cluster, identity_file: Path, backup: Backup, target: Target
) -> None:
    with step(f"base backup of {backup.ended_at:%Y-%m-%d %H:%M:%S %Z}"):
        _extract(cluster.archive_of(backup), encryption.read_identity(identity_file), staging)
        _verify(staging)
    with step("the log"):
        _recover(cluster, identity_file.absolute(), target, staging)


def refuse(into: Path) -> None:
    """Raise BackupError where something would be overwritten, or PostgreSQL would refuse to run."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise BackupError(f"{into} isn't empty, and nothing is overwritten: name a new folder.")
    if os.geteuid() == 0:
        raise BackupError("PostgreSQL refuses to run as root: be the user that shall own the data.")


def _extract(archive: Path, identity: encryption.Identity, staging: Path) -> None:
    with encryption.opened(archive, identity) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|gz") as tar:
                tar.extractall(staging, filter="data")
        except (tarfile.TarError, EOFError) as error:
            raise BackupError(f"{archive.name} is damaged or cut off ({error}).") from None
    for folder in [staging, *(path for path in staging.rglob("*") if path.is_dir())]:
        folder.chmod(0o700)


def _verify(data: Path) -> None:
    """Let PostgreSQL compare every file with the manifest that it wrote. Raises BackupError."""
    program = str(server.program("pg_verifybackup"))
    command = [program, "--no-parse-wal", "--quiet", str(data)]
    done = subprocess.run(
        command, env=server.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"The base backup isn't what was backed up: {done.stderr.strip()}")


def _recover(cluster: Cluster, identity: Path, target: Target, data: Path) -> None:
    """Let a server that nothing can connect to replay the log, and end. Raises BackupError."""
    with tempfile.TemporaryDirectory(prefix="restore-") as folder:
        said, out = Path(folder) / "said", Path(folder) / "log"
        fetch = [sys.executable, "-m", "infra.backup", "fetch", str(cluster.folder)]
        # %f and %p are PostgreSQL's own, and mustn't be quoted away.
        place = shlex.quote(str(data)).replace("%", "%%")
        words = shlex.join([*fetch, str(identity), str(said)]).replace("%", "%%")
        settings = {
            "restore_command": f"cd {shlex.quote(str(ROOT))} && {words} %f {place}/%p",
            "recovery_target_action": "promote",
            "hot_standby": "off",  # or it would need the settings of the server of then
            "archive_mode": "off",
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "logging_collector": "off",
            "shared_preload_libraries": "",
            "hba_file": str(data / "pg_hba.conf"),
        }
        if target.moment is not None:
            settings["recovery_target_time"] = target.moment.isoformat(sep=" ")
        if target.timeline is not None:
            settings["recovery_target_timeline"] = str(target.timeline)
        (data / "recovery.signal").touch()
        with out.open("wb") as output, _server(data, settings, output) as child:
            while not child.ended and not _is_ready(data, child):
                processes.pause(0.1)
            failed = child.ended
        log = out.read_text(errors="replace")
        if failed:
            raise BackupError(_reason(said, log, target.moment))
    for line in log.splitlines():
        if "last completed transaction" in line:
            say(f"  {line.partition('LOG:')[2].strip()}")


@contextmanager
def _server(data: Path, settings: dict[str, str], output: IO[bytes]) -> Iterator[Child]:
    command = [str(server.program("postgres")), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    environment = server.environment(PYTHONPATH=str(ROOT))
    child = processes.start(
        "PostgreSQL", command, stop_signal=signal.SIGINT, env=environment, output=output
    )
    try:
        yield child
    finally:
        child.stop(timeout=60)


def _is_ready(data: Path, child: Child) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(child.pid) and lines[7].strip() == "ready"


def _reason(said: Path, log: str, target: datetime | None) -> str:
    if said.exists():
        return said.read_text()
    if target is not None and "before configured recovery target was reached" in log:
        return BEYOND.format(target=target.isoformat())
    lines = "".join(f"\n  {line}" for line in log.splitlines()[-10:])
    return f"PostgreSQL can't go on from this backup:{lines}"
