"""A process of the application under dev: its start, its end, its last lines."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local import processes
from infra.local.console import Output
from infra.local.failed_start import FailedStart
from infra.local.processes import Child

SETTLED = 15.0  # seconds after which a process that says nothing of itself counts as started


@dataclass
class Program:
    """A process of the application, restarted when its code changes.

    `failed_start` answers in its place as long as it doesn't start.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    root: Path
    pass_fds: Sequence[int] = ()
    failed_start: FailedStart | None = None
    child: Child | None = None
    output: Output | None = None
    answered: bool = False

    def start(self) -> None:
        self.answered = False
        if self.failed_start is not None:
            self.failed_start.stop()
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

    def note_answer(self) -> Callable[[], None]:
        """What to call once the process that runs now has answered."""
        child = self.child

        def note() -> None:
            # FailedStart may have answered in place of a process that is gone.
            self.answered = self.answered or (child is not None and child is self.child)

        return note

    def give_up(self) -> None:
        """Wait for the next start, after one that failed."""
        if self.child is not None and self.output is not None:
            self.output.finish()
            self.child.stop()
            self.child = None
            if self.failed_start is not None:
                self.failed_start.answer(list(self.output.lines))

    def ending(self) -> str:
        """How it ended, with its last lines."""
        if self.child is None or self.output is None:
            return f"{self.name} isn't running"
        self.output.finish()
        return obituary(self.child, list(self.output.lines))


def obituary(child: Child, lines: Sequence[str]) -> str:
    shown = "".join(f"\n  {line}" for line in lines) or " nothing"
    return f"{child.name} (process {child.pid}) {child.how_it_ended}. Its last lines:{shown}"
