"""A prompt of our own, for what the machine has no program for."""

import sys
from collections.abc import Callable
from contextlib import suppress


def ask(name: str, answer: Callable[[str], str]) -> None:
    """Show what `answer` makes of each line, until the end of the input, `exit` or `quit`."""
    interactive = sys.stdin.isatty()
    if interactive:
        with suppress(ImportError):
            import readline  # noqa: F401 (input() edits lines and remembers them)
    while True:
        try:
            line = input(f"{name}> " if interactive else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:  # the line that was begun is forgotten
            print()
            continue
        if line.lower() in ("exit", "quit", "\\q"):
            return
        if line:
            print(answer(line))
