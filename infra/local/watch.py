"""Finds which files of the application were edited."""

import queue
import threading
from pathlib import Path

import watchfiles

from infra.local.console import say

FOLDERS = ("features", "platform", "workers", "migrations")


def names_migration(path: Path) -> bool:
    """Whether this path, relative to the root, is a revision."""
    return path.parts[:2] == ("migrations", "versions")


def watch(root: Path) -> "queue.SimpleQueue[set[Path]]":
    """Begin to watch, in a thread; the queue gets the paths of each edit, relative to `root`."""
    changes: queue.SimpleQueue[set[Path]] = queue.SimpleQueue()
    folders = [root / folder for folder in FOLDERS if (root / folder).is_dir()]

    def matters(_: watchfiles.Change, name: str) -> bool:
        path = Path(name).relative_to(root)
        # Tests aren't loaded by the application, and editors put hidden files beside the real.
        return path.suffix == ".py" and "tests" not in path.parts and path.name[0] != "."

    def report() -> None:
        for force_polling in (None, True):
            try:
                for batch in watchfiles.watch(
                    *folders,
                    watch_filter=matters,
                    force_polling=force_polling,
                    raise_interrupt=False,
                    ignore_permission_denied=True,
                ):
                    changes.put({Path(name).relative_to(root) for _, name in batch})
            except OSError as error:
                # The usual cause is the system's limit of watched files.
                say(f"Edits are noticed more slowly now: {error}")

    threading.Thread(target=report, daemon=True).start()
    return changes
