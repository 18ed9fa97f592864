"""What follows a merge without conflicts: migrations, locks, records, the commit, the checks."""

import os
import subprocess
import sys
from pathlib import Path

from infra.local.console import step
from infra.upgrade import revisions
from infra.upgrade.errors import UpgradeError
from infra.upgrade.repository import commit_of, git, holds, names
from infra.upgrade.state import State

CHECKS = ("format", "lint", "imports", "layout", "lock", "migrations")
LOCK = "requirements.lock"
FAILED = """\
`python -m {module} {arguments}` fails:
{said}

Mend it, `git add` what you changed, then: hatch run upgrade-from --continue
Or back to where you were: hatch run upgrade-from --abort"""
NOT_UNITED = """\

A revision of the template that changes tables which this project hasn't can't run. Take its file
out, and let `hatch run revision "take {tag}"` write what the migrations then lack."""


def finish(root: Path, state: State) -> State:
    """Finish the merge and commit it. Raises UpgradeError with what is to be mended."""
    for told in revisions.relink(root, state.before):
        print(told)
    changed = set(names(root, "diff", "--name-only", state.before))
    _settle_packages(root, state, changed)
    for module in ("infra.env_example", "infra.contract"):
        with step(module):
            run(root, module)
    git(root, "add", "--all")
    if commit_of(root, "MERGE_HEAD") is not None:
        git(root, "commit", "--quiet", "--no-edit", "--cleanup=strip")
    elif not holds(root, "diff", "--cached", "--quiet"):
        git(root, "commit", "--quiet", "-m", f"Follow {state.tag} of the template")
    return state.kept(root, made=git(root, "rev-parse", "HEAD").strip())


def check(root: Path, state: State) -> None:
    """Run the fast checks. Raises UpgradeError with what they say."""
    with step(f"checks: {' '.join(CHECKS)}"):
        try:
            run(root, "infra.checks", *CHECKS)
        except UpgradeError as error:
            more = NOT_UNITED.format(tag=state.tag) if "migrations:\n" in str(error) else ""
            raise UpgradeError(f"{error}{more}") from None


def run(root: Path, module: str, *arguments: str) -> str:
    """Run a module of the merged tree, whose code isn't this process's. Raises UpgradeError."""
    path = os.pathsep.join([str(root), str(root / "platform")])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        words = " ".join(arguments)
        raise UpgradeError(FAILED.format(module=module, arguments=words, said=said))
    return said


def _settle_packages(root: Path, state: State, changed: set[str]) -> None:
    """Resolve anew where both sides want packages, and bring the environment to the lock."""
    if {"pyproject.toml", LOCK} & changed and _misses(root, "lock"):
        with step("lock"):
            run(root, "infra.checks.lock")
    if git(root, "diff", "--name-only", state.before, "--", LOCK).strip():
        with step("packages"):
            _sync(root)


def _misses(root: Path, check: str) -> bool:
    try:
        run(root, "infra.checks", check)
    except UpgradeError:
        return True
    return False


def _sync(root: Path) -> None:
    uv = os.environ.get("HATCH_UV", "uv")
    group = f"{root / 'pyproject.toml'}:test"
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    done = subprocess.run(
        [*command, "--editable", str(root), "--group", group],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UpgradeError(f"The packages can't be installed (hatch run sync):\n{done.stderr}")
