"""Keeps the API and the worker running: restarts both on a change, stops all when one dies."""

import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from infra.local import processes
from infra.local.console import say
from infra.local.errors import LocalError
from infra.local.paths import last_lines
from infra.local.processes import Child
from infra.local.program import Program, obituary
from infra.local.watch import Changes, names_migration

KEYS = {"m": "applies the revisions that wait", "r": "restarts API and worker"}


class Server(Protocol):
    """A database server of ours."""

    child: Child
    log: Path


class Revisions(Protocol):
    """What is known of the database's revisions; raises LocalError when one fails."""

    waiting: list[str]

    def settle(self) -> str:
        """Apply what needs no question, and say what waits."""

    def apply(self) -> None:
        """Apply what waits."""


class Supervisor:
    """Runs until it is asked to stop (Interrupted) or a process dies (LocalError)."""

    def __init__(
        self,
        servers: Sequence[Server],
        programs: Sequence[Program],
        changes: Changes,
        revisions: Revisions,
        reread: Callable[[set[Path]], None],
        started: Callable[[], None],
        lasting: Sequence[Program] = (),
    ) -> None:
        self._servers = servers
        self._programs = programs
        self._changes = changes
        self._revisions = revisions
        self._reread = reread
        self._started = started
        self._lasting = lasting  # started already, and left alone by a restart
        self._reloading = False
        self._unsettled = False

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
                match self._changes.get(timeout=0.2):
                    case str(key):
                        self._obey(key)
                    case changed:
                        self._reload(changed)

    def _look_after(self) -> None:
        processes.keep_guarded()
        for server in self._servers:
            if server.child.ended:
                raise LocalError(obituary(server.child, last_lines(server.log)))
        for program in self._lasting:
            if program.child is not None and program.child.ended:
                raise LocalError(program.ending())
        for program in self._programs:
            if program.child is not None and program.child.ended:
                self._bury(program, program.child)

    def _bury(self, program: Program, child: Child) -> None:
        """A mistake in an edit waits for the next edit; any other end is the end of all."""
        mistake = self._reloading and not program.settled and (child.process.returncode or 0) > 0
        if not mistake:
            raise LocalError(program.ending())
        program.give_up()
        answers = ", and answers 503 until then" if program.failed_start is not None else ""
        say(f"{program.name} doesn't start: see above. It waits for your next change{answers}.")

    def _obey(self, key: str) -> None:
        """What a key of KEYS means."""
        if key == "m" and (self._revisions.waiting or self._unsettled):
            self._restart(self._apply)
        elif key == "m":
            say("No revision waits.")
        elif key == "r":
            self._restart(self._settle if self._unsettled else lambda: None)

    def _reload(self, changed: set[Path]) -> None:
        first, *others = sorted(changed)
        say(f"Changed: {first}" + (f" and {len(others)} more" if others else ""))
        self._reread(changed)
        settle = self._unsettled or any(names_migration(path) for path in changed)
        self._restart(self._settle if settle else lambda: None)

    def _settle(self) -> None:
        self._unsettled = True
        waiting = self._revisions.settle()
        self._unsettled = False
        if waiting:
            say(waiting)

    def _apply(self) -> None:
        self._revisions.apply()
        self._unsettled = False

    def _restart(self, prepare: Callable[[], None]) -> None:
        """Restart the programs on what was prepared; when that fails, they stay as they are."""
        try:
            prepare()
        except LocalError as error:
            say(f"{error}\nThe processes stay as they are until your next change.")
            return
        self._reloading = True
        processes.stop([p.child for p in self._programs if p.child is not None])
        self.start()
