"""Runs a command with the servers of this checkout: `python -m infra.local.run COMMAND...`.

Those of `hatch run dev` when it runs; otherwise they are started for the moment.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.local import console, processes, state
from infra.local.dev import obey_signals
from infra.local.dev_env import (
    data_directory,
    external_database,
    generate,
    given,
    own_redis_roles,
)
from infra.local.errors import LocalError
from infra.local.servers import start_servers, stop_everything
from kernel.config.loader import ROOT


def main(words: Sequence[str] | None = None) -> int:
    """Run it; the exit code is the command's, or 1 when the servers don't start."""
    command = list(sys.argv[1:] if words is None else words)
    console.to_errors.set()
    try:
        values = given()
        directory = data_directory(values)
        if external_database(values) and not own_redis_roles(values):
            generate(values, directory)
            return _run(command, {})
        obey_signals()
        return _with_servers(command, values, directory)
    except processes.Interrupted:
        return 130
    except LocalError as error:
        console.say(str(error))
        return 1


def _with_servers(command: Sequence[str], values: Mapping[str, str], directory: Path) -> int:
    while True:
        with state.locked(directory) as held:
            if held:
                return _for_the_moment(command, values, directory)
        other = state.read(directory)
        if other is not None and other.command == "dev" and other.ready and other.holds:
            return _run(command, other.urls)
        with console.step("waiting for another command in this checkout"):
            processes.pause(0.5)


def _for_the_moment(command: Sequence[str], values: Mapping[str, str], directory: Path) -> int:
    state.State(" ".join(command)).write(directory)
    generate(values, directory)
    try:
        return _run(command, start_servers(values, directory).urls)
    finally:
        stop_everything()


def _run(command: Sequence[str], urls: Mapping[str, str]) -> int:
    # The programs of this very environment, also when it isn't on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which(command[0], path=path) if command else None
    if program is None:
        raise LocalError(f"There is no command {' '.join(command[:1])!r} to run.")
    with _interrupts_left_to_the_command():
        running = subprocess.Popen([program, *command[1:]], env={**os.environ, **urls}, cwd=ROOT)
        while running.poll() is None:
            if processes.stop_asked.wait(0.02):
                running.terminate()
                running.wait()
        return running.returncode


@contextmanager
def _interrupts_left_to_the_command() -> Iterator[None]:
    """A terminal's Ctrl-C reaches the command by itself: a prompt goes on, others end."""
    before = signal.getsignal(signal.SIGINT)
    if sys.stdin is not None and sys.stdin.isatty():
        # A handler and not SIG_IGN, which the command would inherit.
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
