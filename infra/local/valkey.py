"""Starts Valkey on a folder of ours, for cache, queue and limits."""

import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local import processes
from infra.local.binaries import Program, find_valkey, server_environment
from infra.local.errors import LocalError
from infra.local.paths import last_lines, password, ports, private_folder
from infra.local.processes import Child

START_LIMIT = 30.0  # seconds; it reads its whole data first
# The log is flushed to disk each second, but handed to the system before a command is answered:
# killing the server loses nothing.
DURABLE = "appendonly yes\nappendfsync everysec\n"
FAST = "appendonly no\n"


@dataclass
class ValkeyServer:
    """A running server; `url` leads to its database 0."""

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
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The address of one of its sixteen databases."""
        return f"redis://:{self.secret}@127.0.0.1:{self.port}/{database}"

    def stop(self, timeout: float = 2.5) -> None:
        """Stop it; `timeout` is the seconds before it is killed."""
        self.child.stop(timeout)


def start_valkey(directory: Path, durable: bool = True) -> ValkeyServer:
    """Start a server in `directory`; `durable` keeps what it was sent, also when it is killed.

    No other process may start a server on that directory meanwhile: the caller holds a lock.
    Raises LocalError when there is no program, or it doesn't start.
    """
    program = find_valkey()
    directory = private_folder(directory.absolute())
    _take_over(directory)
    for port in ports(directory / "port"):
        server = _try_port(program, directory, port, DURABLE if durable else FAST)
        if server is not None:
            (directory / "port").write_text(str(port))
            return server
    raise _failure(directory / "server.log")


def _take_over(directory: Path) -> None:
    """Stop a server that a killed run left in this folder: two would spoil each other's data."""
    try:
        pid = int((directory / "server.pid").read_text())
    except (FileNotFoundError, ValueError):
        return
    if str(directory / "server.conf") in processes.command_line(pid):
        processes.stop_stranger(pid, signal.SIGTERM)


def _try_port(program: Program, directory: Path, port: int, mode: str) -> ValkeyServer | None:
    """Start on that port; None when it may work on another one."""
    secret = password(directory / "password")
    configuration, log = directory / "server.conf", directory / "server.log"
    # Names are relative to the folder that it starts in, so that no path needs quoting.
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {secret}\ndir .\npidfile server.pid\n"
        f'set-proc-title no\nsave ""\n{mode}'
    )
    with log.open("wb") as output:
        child = processes.start(
            "Valkey",
            [program.path, configuration],
            env=server_environment(),
            cwd=directory,
            output=output,
        )
    try:
        if _wait(child, port, secret):
            return ValkeyServer(child, program.version, port, secret, log)
    except BaseException:
        child.stop()
        raise
    child.stop()
    if any("bind" in line for line in last_lines(log)):
        return None
    raise _failure(log)


def _wait(child: Child, port: int, secret: str) -> bool:
    """Whether it came up, which is when it answers a PING."""
    for _ in range(int(START_LIMIT / 0.01)):
        if child.ended:
            return False
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as connection:
            connection.sendall(f"AUTH {secret}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\n") < 2 and (more := connection.recv(1024)):
                answer += more
            if answer == b"+OK\r\n+PONG\r\n":
                return True
        processes.pause(0.01)
    return False


def _failure(log: Path) -> LocalError:
    lines = "".join(f"\n  {line}" for line in last_lines(log))
    return LocalError(f"Valkey doesn't start. The end of {log}:{lines}")
