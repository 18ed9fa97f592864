"""Keeps the API and the worker running: restarts both on a change, stops all when one dies."""

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.local import processes
from infra.local.console import Output, say
from infra.local.errors import LocalError
from infra.local.paths import last_lines
from infra.local.processes import Child
from infra.local.watch import names_migration

SETTLED = 15.0  # seconds after which a process that says nothing of itself counts as started


class Server(Protocol):
    """A database server of ours."""

    child: Child
    log: Path


@dataclass
class Program:
    """A process of the application, restarted when its code changes."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    root: Path
    pass_fds: Sequence[int] = ()
    child: Child | None = None
    output: Output | None = None
    answered: bool = False

    def start(self) -> None:
        self.answered = False
        self.output = Output(self.name)
        self.child = processes.start(
            self.name,
            self.command,
            env=self.environment,
            cwd=self.root,
            output=self.output.child_end,
            pass_fds=self.pass_fds,
        )
        self.output.follow()

    @property
    def settled(self) -> bool:
        """Whether it got past its start, so that its end is no mistake in a fresh edit."""
        age = time.monotonic() - self.child.started if self.child is not None else 0.0
        return self.answered or age > SETTLED

    def obituary(self) -> str:
        """How it ended, with its last lines."""
        if self.child is None or self.output is None:
            return f"{self.name} isn't running"
        self.output.finish()
        return _obituary(self.child, list(self.output.lines))


def _obituary(child: Child, lines: Sequence[str]) -> str:
    shown = "".join(f"\n  {line}" for line in lines) or " nothing"
    return f"{child.name} (process {child.pid}) {child.how_it_ended}. Its last lines:{shown}"


class Supervisor:
    """Runs until it is asked to stop (Interrupted) or a process dies (LocalError)."""

    def __init__(
        self,
        servers: Sequence[Server],
        programs: Sequence[Program],
        changes: "queue.SimpleQueue[set[Path]]",
        migrate: Callable[[], None],
        started: Callable[[], None],
    ) -> None:
        self._servers = servers
        self._programs = programs
        self._changes = changes
        self._migrate = migrate
        self._started = started
        self._reloading = False
        self._unmigrated = False

    def start(self) -> None:
        for program in self._programs:
            program.start()
        self._started()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Look after the processes until the condition holds."""
        while not condition():
            self._look_after()
            processes.pause(0.02)

    def run(self) -> None:
        while True:
            processes.pause(0)
            self._look_after()
            with suppress(queue.Empty):
                self._reload(self._changes.get(timeout=0.2))

    def _look_after(self) -> None:
        processes.keep_guarded()
        for server in self._servers:
            if server.child.ended:
                raise LocalError(_obituary(server.child, last_lines(server.log)))
        for program in self._programs:
            if program.child is not None and program.child.ended:
                self._bury(program, program.child)

    def _bury(self, program: Program, child: Child) -> None:
        """A mistake in an edit waits for the next edit; any other end is the end of all."""
        mistake = self._reloading and not program.settled and (child.process.returncode or 0) > 0
        if not mistake:
            raise LocalError(program.obituary())
        say(f"{program.name} doesn't start: see above. It waits for your next change.")
        child.stop()
        program.child = None

    def _reload(self, changed: set[Path]) -> None:
        first, *others = sorted(changed)
        say(f"Changed: {first}" + (f" and {len(others)} more" if others else ""))
        if self._unmigrated or any(names_migration(path) for path in changed):
            self._unmigrated = True
            try:
                self._migrate()
            except LocalError as error:
                say(f"{error}\nThe processes stay as they are until your next change.")
                return
            self._unmigrated = False
        self._reloading = True
        processes.stop([p.child for p in self._programs if p.child is not None])
        self.start()
