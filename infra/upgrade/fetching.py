"""Where a later version comes from, and how it gets here."""

from pathlib import Path

from infra.local.console import step
from infra.upgrade import VERSION
from infra.upgrade.errors import UpgradeError
from infra.upgrade.origin import Origin
from infra.upgrade.repository import commit_of, git, holds, tried

REMOTE = "template"
# Not refs/tags: the template's v1.2.0 isn't the product's.
KEPT_AS = "refs/template/{tag}"
NO_REMOTE = """\
Where is the template? Say --remote ADDRESS; once and for all, `git remote add template ADDRESS`; or
for all who work on this project, remote = "ADDRESS" under [tool.template] in pyproject.toml."""

NO_HISTORY = """\
This project shares no history with the template, and was made from {tag}, as far as
infra/upgrade/__init__.py knows. Say --made-from TAG if it was another version.
{reason}"""


def address(root: Path, asked: str | None, origin: Origin) -> str:
    """Where the template is. Raises UpgradeError if that was said nowhere."""
    if asked:
        return asked
    if REMOTE in git(root, "remote").split():
        return REMOTE
    if not origin.remote:
        raise UpgradeError(NO_REMOTE)
    return origin.remote


def fetch(root: Path, remote: str, tag: str) -> str:
    """Bring the tag here; the commit. Raises UpgradeError when there is no such tag."""
    if not holds(root, "check-ref-format", f"refs/tags/{tag}"):
        raise UpgradeError(f"{tag!r} can't be the name of a tag.")
    kept = KEPT_AS.format(tag=tag)
    with step(f"fetch {tag}"):
        done = tried(
            root, "fetch", "--quiet", "--no-tags", "--", remote, f"+refs/tags/{tag}:{kept}"
        )
    if done.returncode:
        raise UpgradeError(_reason(root, remote, tag, done.stderr))
    commit = commit_of(root, kept)
    if commit is None:
        raise UpgradeError(f"{tag} is the tag of no commit.")
    return commit


def made_from(root: Path, remote: str, tag: str | None) -> str:
    """The commit that a project without the template's history was made from.

    Raises UpgradeError if that version isn't to be had.
    """
    tag = tag or f"v{VERSION}"
    try:
        return fetch(root, remote, tag)
    except UpgradeError as error:
        raise UpgradeError(NO_HISTORY.format(tag=tag, reason=error)) from None


def _reason(root: Path, remote: str, tag: str, said: str) -> str:
    listed = tried(root, "ls-remote", "--tags", "--refs", "--", remote)
    if listed.returncode:
        return f"{remote} can't be reached: {listed.stderr.strip()}"
    tags = [line.rpartition("refs/tags/")[2] for line in listed.stdout.splitlines()]
    if tag in tags:
        return f"{tag} can't be fetched from {remote}: {said.strip()}"
    known = f"It has {', '.join(tags[-5:])}." if tags else "It has no tags at all."
    return f"{remote} has no tag {tag}. {known}"
