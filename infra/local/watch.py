"""Finds which files of the application were edited."""

import queue
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import watchfiles

from infra.local.console import say

FOLDERS = ("features", "platform", "workers", "migrations")
Changes = queue.SimpleQueue[set[Path] | str]  # of edited files, and of keys that were pressed


def names_migration(path: Path) -> bool:
    """Whether this path, relative to the root, is a revision."""
    return path.parts[:2] == ("migrations", "versions")


def watch(root: Path, files: Callable[[], Collection[Path]], changes: Changes) -> None:
    """Begin to watch, in threads: the folders, and single files beside them.

    `changes` gets the paths of each edit, relative to `root`. `files` is asked again after each
    edit of one, since `.env` may name others.
    """
    folders = [root / folder for folder in FOLDERS if (root / folder).is_dir()]

    def is_code(change: watchfiles.Change, name: str) -> bool:
        path = Path(name).relative_to(root)
        # Tests aren't loaded by the application, and editors put hidden files beside the real.
        if "tests" in path.parts or path.name[0] == ".":
            return False
        # A folder that was moved as a whole comes without its files.
        moved = change is not watchfiles.Change.modified and path.name.isidentifier()
        return path.suffix == ".py" or (moved and path.name != "__pycache__")

    def watch_folders() -> None:
        for edited in _edits(folders, is_code, recursive=True):
            changes.put({_relative(path, root) for path in edited})

    def watch_files() -> None:
        while True:
            edited = _next_edit({path.absolute() for path in files()})
            changes.put({_relative(path, root) for path in edited})

    for work in (watch_folders, watch_files):
        threading.Thread(target=work, daemon=True).start()


def _next_edit(files: Collection[Path]) -> set[Path]:
    """Wait until one of these is edited, made or deleted."""

    def is_one(_: watchfiles.Change, name: str) -> bool:
        return Path(name) in files

    # Editors replace a file, so its folder is what can be watched.
    folders = sorted({path.parent for path in files if path.parent.is_dir()})
    return next(_edits(folders, is_one, recursive=False))


def _edits(
    folders: Collection[Path],
    matters: Callable[[watchfiles.Change, str], bool],
    recursive: bool,
) -> Iterator[set[Path]]:
    for force_polling in (None, True):
        try:
            for batch in watchfiles.watch(
                *folders,
                watch_filter=matters,
                force_polling=force_polling,
                raise_interrupt=False,
                ignore_permission_denied=True,
                recursive=recursive,
            ):
                yield {Path(name) for _, name in batch}
        except OSError as error:
            # The usual cause is the system's limit of watched files.
            say(f"Edits are noticed more slowly now: {error}")


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
