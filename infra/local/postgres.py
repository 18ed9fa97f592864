"""Starts PostgreSQL on a folder of ours, whatever state an earlier run left it in."""

import locale
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local import processes, rights
from infra.local.binaries import Program, find_postgres, server_environment
from infra.local.errors import LocalError
from infra.local.paths import last_lines, password, ports, private_folder
from infra.local.processes import Child

APPLICATION = "app"  # the role of the application, beside the owner's
START_LIMIT = 60.0  # seconds; a crashed cluster replays its log first
ALWAYS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC")
DURABLE = ("max_connections=200",)
# For data that is not needed after a crash of the machine.
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=512MB",
    "autovacuum=off",
    "max_connections=300",
)
# What a server says when another attempt is worth it: the port was taken meanwhile, or processes
# of a killed server are just going away.
PASSING = ("could not bind", "could not create any TCP", "is still in use")


@dataclass
class PostgresServer:
    """A running server; `url` leads to its maintenance database."""

    child: Child
    version: str
    port: int
    secret: str
    log: Path

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str, role: str = "postgres") -> str:
        """The address of one of its databases, for the role that owns it or another one."""
        return f"postgresql://{role}:{self.secret}@127.0.0.1:{self.port}/{database}"

    def stop(self, timeout: float = 2.5) -> None:
        """Stop it; `timeout` is the seconds before it is killed, which loses nothing."""
        self.child.stop(timeout)


def start_postgres(
    directory: Path, durable: bool = True, ways: Sequence[str] = rights.WAYS
) -> PostgresServer:
    """Start a server whose data are in `directory`, making them first when there are none.

    `durable` keeps every commit even when the machine loses power. No other process may start a
    server on that directory meanwhile: the caller holds a lock. `ways` are those of root
    (drop_privileges.py). Raises LocalError when there is no program, or it doesn't start.
    """
    program = find_postgres()
    directory = private_folder(directory.absolute())
    right = rights.rights_for(program.path, directory, ways)
    data = directory / "data"
    _take_over(data)
    if not data.exists():
        _make_cluster(program, right, data)
    _check_version(program, data)
    right.give(data)
    for port in ports(directory / "port"):
        server = _try_port(program, right, directory, port, FAST if not durable else DURABLE)
        if server is not None:
            (directory / "port").write_text(str(port))
            return server
    raise _failure("PostgreSQL doesn't start", directory / "server.log")


def _take_over(data: Path) -> None:
    """Stop a server that a killed run left on these data; forget one that is gone."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n")[0])
    except FileNotFoundError:
        return
    except ValueError:
        pid = 0
    words = processes.command_line(pid) if pid > 0 else []
    if words and Path(words[0]).name == "postgres" and str(data) in words:
        processes.stop_stranger(pid, signal.SIGINT)
    # PostgreSQL itself would take any live process of that id for its own kind, and refuse.
    lock.unlink(missing_ok=True)


def _make_cluster(program: Program, right: rights.Rights, data: Path) -> None:
    for half_made in data.parent.glob("data.new-*"):
        shutil.rmtree(half_made)
    new = data.with_name(f"data.new-{os.getpid()}")
    new.mkdir(mode=0o700)
    secret_file = data.with_name("password")
    password(secret_file)
    right.give(secret_file)
    right.give(new)
    log = data.with_name("initdb.log")
    initdb = program.path.with_name("initdb")
    command = [*right.prefix, str(initdb), "-N", "-D", str(new), "-U", "postgres"]
    command += ["-A", "scram-sha-256", f"--pwfile={secret_file}", "-E", "UTF8"]
    # Text is sorted by a locale that is inside the server: the same on every machine.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--locale={_locale()}"]
    with log.open("wb") as output:
        child = processes.start("initdb", command, env=server_environment(), output=output)
        try:
            while not child.ended:
                processes.pause(0.02)
        finally:
            child.stop()
    if child.process.returncode != 0:
        raise _failure("PostgreSQL can't make its data", log)
    secret_file.replace(new / "password")
    new.rename(data)


def _locale() -> str:
    """The system's C.UTF-8 for the rest, as production has it; macOS may lack it."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _check_version(program: Program, data: Path) -> None:
    try:
        made_by = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise LocalError(f"{data} holds no PostgreSQL data: {error.strerror}.") from error
    if made_by != str(program.major):
        raise LocalError(
            f"The data in {data} were made by PostgreSQL {made_by}, and {program.path} is "
            f"{program.version}.\nTake out what you need with pg_dump {made_by}, then remove "
            "that folder."
        )


def _try_port(
    program: Program, right: rights.Rights, directory: Path, port: int, settings: Sequence[str]
) -> PostgresServer | None:
    """Start on that port; None when it may work on another one."""
    data, log = directory / "data", directory / "server.log"
    command = [*right.prefix, str(program.path), "-D", str(data), "-p", str(port)]
    for setting in (*ALWAYS, *settings):
        command += ["-c", setting]
    with log.open("wb") as output:
        child = processes.start(
            "PostgreSQL",
            command,
            stop_signal=signal.SIGINT,  # the fast way to stop; SIGTERM waits for clients to go
            env=server_environment(),
            output=output,
        )
    try:
        if _wait(child, data / "postmaster.pid"):
            secret = (data / "password").read_text()
            return PostgresServer(child, program.version, port, secret, log)
    except BaseException:
        child.stop()
        raise
    child.stop()
    if any(word in line for line in last_lines(log) for word in PASSING):
        processes.pause(0.1)
        return None
    raise _failure("PostgreSQL doesn't start", log)


def _wait(child: Child, lock: Path) -> bool:
    """Whether it came up: the eighth line of its lock file says so, as pg_ctl reads it."""
    for _ in range(int(START_LIMIT / 0.02)):
        if child.ended:
            return False
        try:
            lines = lock.read_text().split("\n")
        except FileNotFoundError:
            lines = []
        if len(lines) > 7 and lines[0] == str(child.pid) and lines[7].strip() == "ready":
            return True
        processes.pause(0.02)
    return False


def _failure(what: str, log: Path) -> LocalError:
    lines = "".join(f"\n  {line}" for line in last_lines(log))
    return LocalError(f"{what}. The end of {log}:{lines}")
