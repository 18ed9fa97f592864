"""`hatch run upgrade-from TAG`: merge a later version of the template into this project."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.checks import ROOT
from infra.local.errors import LocalError
from infra.upgrade import fetching, finishing, merging, origin, revisions, state, undoing
from infra.upgrade.errors import UpgradeError
from infra.upgrade.repository import commit_of, git, holds, refuse_part, unsaved
from infra.upgrade.state import State

UNDER_WAY = """\
An upgrade to {tag} is under way: `hatch run upgrade-from --continue` goes on with it,
`--abort` takes it back."""
SETTLE = """
{count} to settle by hand, then `git add` each and say: hatch run upgrade-from --continue
Or back to where you were: hatch run upgrade-from --abort"""
DONE = """
{tag} of the template is in, as the commit {made}. Now: hatch run migrate, hatch run test
`git diff {before}` shows what it brought; what you changed in it is listed by `git show`."""
INTERRUPTED = "\nInterrupted. hatch run upgrade-from --continue goes on, --abort takes it back."


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hatch run upgrade-from",
        description="Merge a later version of the template into this project.",
        epilog="What stays yours, and what to do about conflicts: docs/upgrading.md",
    )
    parser.add_argument("tag", nargs="?", metavar="TAG", help="the version, such as v1.2.0")
    parser.add_argument("--remote", metavar="ADDRESS", help="where the template is, for git")
    parser.add_argument(
        "--made-from",
        metavar="TAG",
        help="the version that a project without the template's history was made from",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--continue", action="store_true", dest="go_on", help="go on with it")
    way.add_argument("--abort", action="store_true", help="take it back")
    given = parser.parse_args(words)
    if (given.tag is None) != (given.go_on or given.abort):
        parser.error("say a TAG, or --continue, or --abort")
    return given


def begin(root: Path, given: argparse.Namespace) -> int:
    """Fetch, join the histories where they are apart, merge; the exit code."""
    _refuse(root)
    known = origin.read(root)
    remote = fetching.address(root, given.remote, known)
    revisions.head(revisions.own(root, "HEAD"))
    commit = fetching.fetch(root, remote, given.tag)
    if holds(root, "merge-base", "--is-ancestor", commit, "HEAD"):
        print(f"{given.tag} is in this project already. Nothing was changed.")
        return 0
    apart = not holds(root, "merge-base", "HEAD", commit)
    now = State(
        given.tag,
        commit,
        before=git(root, "rev-parse", "HEAD").strip(),
        branch=_branch(root),
        origin=fetching.made_from(root, remote, given.made_from) if apart else None,
    )
    return _merge(root, now.kept(root))


def go_on(root: Path, now: State) -> int:
    """Go on where it was interrupted, or where a person has settled the conflicts."""
    if now.made is not None:
        return _finish(root, now)
    if commit_of(root, "MERGE_HEAD") is None:
        if holds(root, "merge-base", "--is-ancestor", now.commit, "HEAD"):
            return _finish(root, now)  # committed by hand
        undoing.keep(root)
        merging.remove_half_made(root, now)
        return _merge(root, now)
    if not now.settled:
        return _settle(root, now)
    if left := merging.unsettled(root, now):
        print("Not settled yet:", *left, sep="\n  ")
        return 1
    return _finish(root, now)


def main(words: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Do it; the exit code is 1 when something is left to do, and 130 when interrupted."""
    given = arguments(words)
    try:
        now = state.read(root)
        if given.tag is not None:
            if now is not None:
                raise UpgradeError(UNDER_WAY.format(tag=now.tag))
            return begin(root, given)
        if now is None:
            raise UpgradeError("No upgrade is under way.")
        if _branch(root) != now.branch:
            raise UpgradeError(f"It was begun on {now.branch}: `git switch` back to it first.")
        merging.remove_locks(root)
        return undoing.take_back(root, now) if given.abort else go_on(root, now)
    except (UpgradeError, LocalError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        print(INTERRUPTED if state.read(root) else "\nInterrupted; nothing was changed.")
        return 130


def _refuse(root: Path) -> None:
    """Raise UpgradeError unless all of this can be undone."""
    refuse_part(root)
    if git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise UpgradeError("Only a part of the history is here: `git fetch --unshallow` first.")
    if commit_of(root, "HEAD") is None:
        raise UpgradeError("Nothing is committed yet: commit the project first.")
    if commit_of(root, "MERGE_HEAD") is not None:
        raise UpgradeError("Another merge is under way: `git merge --abort`, or commit it first.")
    if not holds(root, "var", "GIT_COMMITTER_IDENT"):
        raise UpgradeError("git doesn't know who you are: `git config user.name` and user.email.")
    if files := unsaved(root):
        raise UpgradeError(
            f"Not committed: {files[0]} ({len(files)} in all). Commit or stash it first, so that "
            "nothing of it can be lost."
        )


def _branch(root: Path) -> str:
    return git(root, "rev-parse", "--symbolic-full-name", "HEAD").strip()


def _merge(root: Path, now: State) -> int:
    if now.origin is not None and not holds(root, "merge-base", "HEAD", now.commit):
        merging.join(root, now.origin)
    merging.merge(root, now)
    return _settle(root, now)


def _settle(root: Path, now: State) -> int:
    left = merging.settle(root, now)
    now = now.kept(root, settled=True, conflicts=sorted(left))
    if left:
        print(*[f"{path}\n    {sentence}" for path, sentence in left.items()], sep="\n")
        print(SETTLE.format(count=f"{len(left)} files" if len(left) > 1 else "1 file"))
        return 1
    return _finish(root, now)


def _finish(root: Path, now: State) -> int:
    now = finishing.finish(root, now)
    finishing.check(root, now)
    state.forget(root)
    assert now.made is not None
    print(DONE.format(tag=now.tag, made=now.made[:9], before=now.before[:9]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
