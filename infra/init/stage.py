"""A copy of the checkout that is changed in its stead, and the moment in which both become one."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.init.errors import InitError
from infra.upgrade import repository
from infra.upgrade.errors import GitError

LEFTOVERS = {"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis", ".dev"}
STAGE, JOURNAL = "init-stage", "init-journal"


def git(root: Path, *words: str) -> str:
    """What git answers. Raises InitError where there is no repository."""
    try:
        return repository.git(root, *words)
    except GitError as error:
        raise InitError(str(error)) from None


def tracked(root: Path) -> list[str]:
    """The files of the last commit."""
    return [name for name in git(root, "ls-files", "-z").split("\0") if name]


def refuse_unsaved(root: Path) -> None:
    """Raise InitError unless everything is committed, so that all of this can be undone."""
    try:
        repository.refuse_part(root)
        unsaved = repository.unsaved(root)
    except GitError as error:
        raise InitError(str(error)) from None
    if unsaved:
        raise InitError(
            f"Not committed: {unsaved[0]} ({len(unsaved)} in all). Commit or stash it first, "
            "so that `git restore .` undoes this."
        )


def recover(root: Path) -> bool:
    """Put the tree back that an earlier run was about to change when it was killed."""
    journal = _path(root, JOURNAL)
    if not journal.exists():
        return False
    git(root, "restore", "--source=HEAD", "--staged", "--worktree", ".")
    for name in journal.read_text().splitlines():
        (root / name).unlink(missing_ok=True)
    journal.unlink()
    return True


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """A folder with a copy of the tracked files; gone at the end, whatever happens."""
    stage = _path(root, STAGE)
    shutil.rmtree(stage, ignore_errors=True)
    try:
        for name in tracked(root):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, stage / name, follow_symlinks=False)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def exchange(root: Path, stage: Path) -> tuple[int, int]:
    """Make the tree what the copy is; how many files were written, and deleted.

    An interruption waits until it is done; after a kill, the next run puts the tree back.
    """
    before, after = set(tracked(root)), set(_files(stage))
    gone, new = before - after, after - before
    changed = {
        name for name in before & after if (root / name).read_bytes() != (stage / name).read_bytes()
    }
    journal = _path(root, JOURNAL)
    held = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        journal.write_text("\n".join(sorted(new)))
        for name in sorted(changed | new):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / name, root / name)
        for name in gone:
            (root / name).unlink()
        for folder in {parent for name in gone for parent in (root / name).parents}:
            _remove_empty(folder, root)
        journal.unlink()
    except OSError as error:
        recover(root)
        raise InitError(f"{error}: everything is as it was.") from error
    finally:
        for one, handler in held.items():
            signal.signal(one, handler)
    return len(changed | new), len(gone)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder in which nothing but caches is left, and those around it."""
    if folder == root or not folder.is_relative_to(root) or not folder.is_dir():
        return
    left = [file for file in folder.rglob("*") if file.is_file()]
    if all(set(file.relative_to(folder).parts) & LEFTOVERS for file in left):
        shutil.rmtree(folder)


def _files(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        inside = file.relative_to(folder)
        if (file.is_file() or file.is_symlink()) and not set(inside.parts) & LEFTOVERS:
            yield inside.as_posix()


def _path(root: Path, name: str) -> Path:
    return repository.private_path(root, name)
