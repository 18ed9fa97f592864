"""What git is asked and told."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.upgrade.errors import GitError

AT_ONCE = 200  # paths on one command line


def git(root: Path, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """What git answers. Raises GitError where it fails, or where there is no repository."""
    done = tried(root, *words, environment=environment)
    if done.returncode:
        raise GitError(f"git {words[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def tried(
    root: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What git did, whether it succeeded or not. Raises GitError where there is no git."""
    more = dict(environment or {})
    if not sys.stdin.isatty():
        more["GIT_TERMINAL_PROMPT"] = "0"  # else it would wait for an answer for ever
    try:
        return subprocess.run(
            ["git", *words],  # noqa: S607 the reader's own git
            cwd=root,
            env=os.environ | {"LC_ALL": "C"} | more,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise GitError("There is no git here; this command needs it to undo itself.") from None


def holds(root: Path, *words: str) -> bool:
    """Whether git answers yes by its exit code."""
    return tried(root, *words).returncode == 0


def commit_of(root: Path, name: str) -> str | None:
    """The commit that a name stands for; None if it stands for none."""
    done = tried(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return done.stdout.strip() or None


def names(root: Path, *words: str) -> list[str]:
    """The paths that git lists, given with -z."""
    return [name for name in git(root, *words, "-z").split("\0") if name]


def files_of(root: Path, commit: str) -> set[str]:
    """The files of a commit."""
    return set(names(root, "ls-tree", "-r", "--name-only", commit))


def for_each(root: Path, paths: Iterable[str], *words: str) -> None:
    """Run a command of git on paths, in portions that fit on a command line."""
    found = sorted(paths)
    for start in range(0, len(found), AT_ONCE):
        git(root, *words, "--", *found[start : start + AT_ONCE])


def refuse_part(root: Path) -> None:
    """Raise GitError if the folder is only a part of a repository."""
    if git(root, "rev-parse", "--show-prefix").strip():
        raise GitError("This folder is part of another repository: run `git init` here first.")


def unsaved(root: Path) -> list[str]:
    """The files that differ from the last commit, or that no commit has."""
    return [line[3:] for line in git(root, "status", "--porcelain").splitlines()]


def private_path(root: Path, name: str) -> Path:
    """Where a file of ours lies in git's own folder."""
    return (root / git(root, "rev-parse", "--git-path", name).strip()).absolute()
