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

from infra.backup import log, server, taking
from infra.backup.encryption import read_recipient
from infra.backup.errors import BackupError
from infra.backup.options import Options
from infra.backup.repository import Cluster, Reach
from infra.backup.status import write_metrics
from infra.local import processes

LOOK = 0.2  # seconds between two looks at the receiver and its files
LAG = 5.0  # seconds for the receiver to have written what the server has
RETRY = 5.0  # seconds before another attempt
GAP = "The server gave up keeping the log: no time until the next base backup can be restored."
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
    options.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        self._recipient = read_recipient(options.recipient_file)
        self._timeline = server.identify().timeline
        self._failed_at = float("-inf")
        self._taker: subprocess.Popen[bytes] | None = None
        self._gap = server.forget_lost_slot()

    def go_on(self) -> None:
        """Until the receiver ends. Raises BackupError then, and Interrupted when asked to stop."""
        spool = self._options.spool
        if self._gap:
            tell("log lost", "error", reason=GAP)
        self._pack()
        log.pack_partial(spool, self._cluster, self._recipient)
        log.empty_of_others(spool, self._timeline)
        receiver = log.start_receiver(spool)
        tell("backup running", system=self._cluster.folder.name, timeline=self._timeline)
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
        said = (spool / "receiver.log").read_text().strip()
        raise BackupError(f"The log is no longer received: {said}")

    def _pack(self) -> None:
        try:
            log.pack(self._options.spool, self._cluster, self._recipient)
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
        log.pack_partial(self._options.spool, self._cluster, self._recipient)
        self._pack()
        self._cluster.set_reach(Reach(until, position.bytes))
        write_metrics(self._cluster)

    def _take_if_due(self) -> None:
        if self._taker is not None:
            code = self._taker.poll()
            if code is None:
                return
            self._taker = None
            if code:
                self._failed_at = time.monotonic()
            self._gap = self._gap and bool(code)
            write_metrics(self._cluster)
        waited = time.monotonic() - self._failed_at >= 60.0
        every, moment = self._options.every_hours, datetime.now(UTC)
        if waited and (self._gap or taking.due(self._cluster, self._timeline, moment, every)):
            self._taker = subprocess.Popen(TAKE)
