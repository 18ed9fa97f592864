"""The merge itself: what it settles by itself, and what is left to a person."""

import re
import time
from contextlib import suppress
from pathlib import Path

from infra.local.console import step
from infra.upgrade import origin, ownership
from infra.upgrade.errors import UpgradeError
from infra.upgrade.repository import commit_of, files_of, for_each, git, names, private_path, tried
from infra.upgrade.state import State

# The template's folders don't move by themselves because a project moved some of its files.
MERGE = ("-c", "merge.directoryRenames=false", "-c", "merge.conflictStyle=diff3", "merge")
MESSAGE = "Take {tag} of the template"
BOTH = "You and the template changed it: <<<<<<< marks each place, with what it was in between."
GONE = (
    "You deleted it, and the template changed it: `git rm {path}` leaves it away, {add} takes it."
)
LEFT = "The template deleted it, and you changed it: `git rm {path}` lets it go, {add} keeps it."
ADDED = "You and the template have each added it: <<<<<<< marks where they differ."
RENAMED = "It was given another name by one of you: keep {add}, or `git rm {path}`."
SENTENCES = {"UU": BOTH, "DU": GONE, "UD": LEFT, "AA": ADDED}
OURS_TO_TAKE = (
    " Unless you changed it on purpose: `git checkout --theirs {path} && git add {path}`."
)
LOCK_WAIT = 2.0  # seconds that a running git may still take
MARKER = re.compile(rb"(?m)^(<{7}|>{7}) ")


def join(root: Path, commit: str) -> None:
    """Make the version that the project was made from a part of its history, changing no file."""
    words = ("-s", "ours", "--allow-unrelated-histories", "-m", "Join the template's history")
    git(root, "merge", "--quiet", *words, commit)


def merge(root: Path, state: State) -> None:
    """Merge without a commit. Raises UpgradeError when git can't even begin."""
    said = MESSAGE.format(tag=state.tag)
    with step(f"merge {state.tag}"):
        done = tried(root, *MERGE, "--no-commit", "--no-ff", "-m", said, state.commit)
    if commit_of(root, "MERGE_HEAD") is None:
        raise UpgradeError(f"git merge: {(done.stderr or done.stdout).strip()}")


def settle(root: Path, state: State) -> dict[str, str]:
    """Settle what needs no person; for each file that does, a sentence. Safe to repeat."""
    base = git(root, "merge-base", "HEAD", state.commit).split()[0]
    _keep(root, base)
    _take_written(root)
    return {path: _sentence(code, path) for path, code in sorted(unmerged(root).items())}


def unmerged(root: Path) -> dict[str, str]:
    """The files that git couldn't unite, with its two letters for the reason."""
    entries = names(root, "status", "--porcelain=v1", "--no-renames", "--untracked-files=no")
    return {entry[3:]: entry[:2] for entry in entries if "U" in entry[:2] or entry[:2] == "AA"}


def unsettled(root: Path, state: State) -> list[str]:
    """The files of the merge that aren't settled yet."""
    marked = [path for path in state.conflicts if _has_marker(root / path)]
    return sorted({*unmerged(root), *marked})


def remove_locks(root: Path) -> None:
    """Remove what a git that was killed has left, once no git can be at it any more."""
    for name in ("index.lock", "HEAD.lock", "MERGE_HEAD.lock"):
        lock = private_path(root, name)
        deadline = time.monotonic() + LOCK_WAIT
        while lock.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        lock.unlink(missing_ok=True)


def remove_half_made(root: Path, state: State) -> None:
    """Put the files back that a merge had begun to write when it was killed.

    The tree was clean before, so what is in no commit and begins as a file of the template's was
    written by that merge.
    """
    git(root, "reset", "--quiet", "--hard", "HEAD")
    theirs = files_of(root, state.commit)
    for name in names(root, "ls-files", "--others", "--exclude-standard"):
        if name in theirs:
            whole = git(root, "show", f"{state.commit}:{name}")
            if whole.encode(errors="surrogateescape").startswith((root / name).read_bytes()):
                _remove(root, name)


def _keep(root: Path, base: str) -> None:
    """Leave as it is what the project owns, and away what it left out on purpose."""
    known, before, was = origin.read(root), files_of(root, "HEAD"), files_of(root, base)
    changed = {*names(root, "diff", "--name-only", "--no-renames", "HEAD"), *unmerged(root)}
    stays = {path for path in changed if ownership.stays(path, known, before, was)}
    for_each(root, stays & before, "checkout", "--quiet", "HEAD")
    for_each(root, stays - before, "rm", "--quiet", "--force", "--ignore-unmatch")
    for path in stays - before:
        _remove(root, path)


def _remove(root: Path, name: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    (root / name).unlink(missing_ok=True)
    with suppress(OSError):
        for folder in (root / name).parents:
            folder.rmdir()


def _take_written(root: Path) -> None:
    """Of what commands write anew afterwards, take the template's."""
    for path, code in unmerged(root).items():
        if ownership.is_written(path):
            if code[1] == "D":
                git(root, "rm", "--quiet", "--force", "--", path)
            else:
                git(root, "checkout", "--quiet", "--theirs", "--", path)
                git(root, "add", "--", path)


def _sentence(code: str, path: str) -> str:
    text = SENTENCES.get(code, RENAMED)
    if code == "UU" and ownership.is_templates(path):
        text += OURS_TO_TAKE
    return text.format(path=path, add=f"`git add {path}`")


def _has_marker(file: Path) -> bool:
    return file.is_file() and MARKER.search(file.read_bytes()) is not None
