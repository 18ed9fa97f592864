"""What runs beside PostgreSQL: receives its log, and takes a base backup when one is due."""

import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from infra.backup import gaps, log, resuming, server, taking
from infra.backup.encryption import read_recipient
from infra.backup.errors import BackupError
from infra.backup.options import Options
from infra.backup.repository import Cluster, Reach
from infra.backup.status import write_metrics
from infra.local import processes

LOOK = 0.2  # seconds between two looks at the receiver and its files
LAG = 5.0  # seconds for the receiver to have written what the server has
RETRY = 5.0  # seconds before another attempt
GAP = """\
The server no longer has the log that comes after {after}: no time from then on can be restored
until the base backup is complete that begins now. Any time until then can be as before."""
TAKE = (sys.executable, "-m", "infra.backup", "take")


def tell(event: str, level: str = "info", **more: object) -> None:
    """A line of the log, in the shape of the application's."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"timestamp": moment, "level": level, "event": event, **more}), flush=True)


def run(options: Options) -> int:
    """Back up until asked to stop; a failure is told, and tried again. The exit code.

    Raises BackupError at once for what no further attempt mends.
    """
    read_recipient(options.recipient_file)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: processes.stop_asked.set())
    try:
        while True:
            try:
                with _locked(options) as cluster:
                    _Run(options, cluster).go_on()
            except BackupError as error:
                tell("backup failed", "error", reason=str(error))
            processes.pause(RETRY)
    except processes.Interrupted:
        tell("backup stopped")
        return 0
    finally:
        processes.stop(processes.running())


@contextmanager
def _locked(options: Options) -> Iterator[Cluster]:
    """The cluster, which no other service backs up meanwhile. Raises BackupError."""
    cluster = Cluster(options.repository / server.identify().system)
    cluster.make()
    with (cluster.folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupError("Another process backs up this cluster into this folder.") from None
        yield cluster


class _Run:
    """One connection's worth of it: the receiver, and what hangs on it."""

    def __init__(self, options: Options, cluster: Cluster) -> None:
        self._options, self._cluster = options, cluster
        self._spool = options.spool / cluster.folder.name
        self._recipient = read_recipient(options.recipient_file)
        self._identity = server.identify()
        self._failed_at = float("-inf")
        self._taker: subprocess.Popen[bytes] | None = None

    def go_on(self) -> None:
        """Until the receiver ends. Raises BackupError then, and Interrupted when asked to stop."""
        self._prepare()
        receiver = log.start_receiver(self._spool)
        timeline = self._identity.timeline
        tell("backup running", system=self._cluster.folder.name, timeline=timeline)
        looked = float("-inf")
        try:
            while not receiver.ended:
                self._pack()
                if time.monotonic() - looked >= self._options.interval:
                    looked = time.monotonic()
                    self._look()
                self._take_if_due()
                processes.pause(LOOK)
        finally:
            receiver.stop()
            if self._taker is not None:
                self._taker.terminate()
                self._taker.wait()
            self._pack()
        said = (self._spool / "receiver.log").read_text().strip()
        raise BackupError(f"The log is no longer received: {said}")

    def _prepare(self) -> None:
        """Keep what has come, and let the receiver go on there; what is missing is told."""
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._pack()
        log.pack_partial(self._spool, self._cluster, self._recipient)
        lost = server.lost_slot()
        gap = resuming.prepare(self._spool, self._cluster, self._identity)
        if gap is not None:
            reason = GAP.format(after=gap.after.isoformat())
            tell("log lost", "error", reason=reason, slot=lost)
            write_metrics(self._cluster)
        elif lost is not None and self._cluster.reach is not None:
            tell("replication slot lost", "warning", reason=lost, log="none of it is missing")

    def _pack(self) -> None:
        try:
            log.pack(self._spool, self._cluster, self._recipient)
        except OSError as error:
            raise BackupError(f"The log can't be kept: {error}.") from None

    def _look(self) -> None:
        """Keep what there is of the log, and write down until when it reaches."""
        until, position = server.mark()
        deadline = time.monotonic() + LAG
        while server.received() < position:
            if time.monotonic() > deadline:
                tell("log late", "warning", seconds=LAG)
                return
            processes.pause(LOOK)
        log.refetched(self._spool)
        log.pack_partial(self._spool, self._cluster, self._recipient)
        self._pack()
        gap = gaps.open_gap(self._cluster)
        self._cluster.set_reach(Reach(gap.after if gap else until, position.bytes))
        write_metrics(self._cluster)

    def _take_if_due(self) -> None:
        if self._taker is not None:
            code = self._taker.poll()
            if code is None:
                return
            self._taker = None
            if code:
                self._failed_at = time.monotonic()
            write_metrics(self._cluster)
        waited = time.monotonic() - self._failed_at >= 60.0
        every, moment = self._options.every_hours, datetime.now(UTC)
        if waited and taking.due(self._cluster, self._identity.timeline, moment, every):
            self._taker = subprocess.Popen(TAKE)
