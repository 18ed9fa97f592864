"""Two chains of migrations become one: the template's new revisions come after the project's own.

Not a merge revision: after it a step back has two ways, and a project that began with one first
revision in place of the template's lacks the one that the new ones were written after. A database
of the project has its newest revision, so what comes after that is what its next migration runs.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.upgrade.errors import UpgradeError
from infra.upgrade.repository import git, names

VERSIONS = "migrations/versions"
SEVERAL = """\
The project's own migrations end in {heads}. Unite them first
(`hatch run alembic merge heads`), then say the command again."""
TWICE = """\
The revision {name} is both the project's own and the template's: give yours another name,
in its file and in the one that comes after it, and your databases (`hatch run alembic stamp`)."""
MOVED = """\
{file}: the template's revision {name} now comes after {head},
your newest one, so every database of yours runs it with its next migration."""


@dataclass(frozen=True)
class Revision:
    """A revision's name, those it comes after, and its file."""

    name: str
    after: tuple[str, ...]
    file: str


def parse(text: str, file: str) -> Revision | None:
    """What a file of migrations says of itself; None if it says nothing, or isn't Python yet."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    said = {}
    for statement in body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.Assign(targets=[ast.Name(id=name)], value=value)
            ) if name in ("revision", "down_revision"):
                said[name] = ast.literal_eval(value)
    if "revision" not in said:
        return None
    after = said.get("down_revision") or ()
    return Revision(said["revision"], (after,) if isinstance(after, str) else tuple(after), file)


def own(root: Path, commit: str) -> list[Revision]:
    """The revisions of a commit."""
    files = names(root, "ls-tree", "--name-only", commit, f"{VERSIONS}/")
    texts = ((file, git(root, "show", f"{commit}:{file}")) for file in files if file[-3:] == ".py")
    return [found for file, text in texts if (found := parse(text, file))]


def head(revisions: Iterable[Revision]) -> str | None:
    """The newest one; None if there is none. Raises UpgradeError if there are several."""
    found = list(revisions)
    followed = {name for one in found for name in one.after}
    heads = sorted(one.name for one in found if one.name not in followed)
    if len(heads) > 1:
        raise UpgradeError(SEVERAL.format(heads=" and ".join(heads)))
    return heads[0] if heads else None


def relink(root: Path, before: str) -> list[str]:
    """Put what the merge brought after the project's newest; a sentence for each file changed.

    `before` is the project's commit before the merge. Raises UpgradeError for a name that is twice.
    """
    mine = own(root, before)
    newest, known = head(mine), {one.file for one in mine}
    files = sorted((root / VERSIONS).glob("*.py"))
    all_now = [(file, file.relative_to(root).as_posix()) for file in files]
    new = [
        (file, found)
        for file, name in all_now
        if name not in known and (found := parse(file.read_text(), name))
    ]
    if twice := {one.name for one in mine} & {one.name for _, one in new}:
        raise UpgradeError(TWICE.format(name=", ".join(sorted(twice))))
    brought = {one.name for _, one in new}
    told = []
    for file, one in new:
        if newest and not set(one.after) & brought and one.after != (newest,):
            _put_after(file, one, newest)
            told.append(MOVED.format(file=one.file, name=one.name, head=newest))
    return told


def _put_after(file: Path, revision: Revision, newest: str) -> None:
    text = file.read_text()
    line = f'down_revision: str | None = "{newest}"'
    text = re.sub(r"(?m)^down_revision\b.*$", line, text, count=1)
    for before in revision.after:
        text = re.sub(rf"(?m)^Revises: {re.escape(before)}$", f"Revises: {newest}", text)
    file.write_text(text)
