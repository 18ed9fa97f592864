"""Taking an upgrade back."""

import tempfile
from pathlib import Path

from infra.upgrade import merging, state
from infra.upgrade.repository import commit_of, git, unsaved
from infra.upgrade.state import State

KEPT_AS = "refs/upgrade/aborted"
BACK = """\
Everything is as it was at {before}. What you had settled is kept: `git show {kept}`,
or a file of it by `git checkout {kept} -- FILE`."""


def take_back(root: Path, now: State) -> int:
    """Go back to where the project stood, and keep what was there under a name; the exit code."""
    keep(root)
    cut_off = now.made is None and commit_of(root, "MERGE_HEAD") is None
    if cut_off and unsaved(root):
        merging.remove_half_made(root, now)
    git(root, "reset", "--quiet", "--hard", now.before)
    state.forget(root)
    print(BACK.format(before=now.before[:9], kept=KEPT_AS.removeprefix("refs/")))
    return 0


def keep(root: Path) -> None:
    """Make a commit of all that is there, conflicts and all, beside the branch."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(root, "read-tree", "HEAD", environment=index)
        git(root, "add", "--all", environment=index)
        tree = git(root, "write-tree", environment=index).strip()
    message = "What an upgrade had come to when it was taken back"
    kept = git(root, "commit-tree", tree, "-p", "HEAD", "-m", message).strip()
    git(root, "update-ref", KEPT_AS, kept)
