"""A small template and a product made from it, each in a repository of its own."""

from collections.abc import Mapping
from pathlib import Path

from tests.copies import commit_all, git

REVISION = '''\
"""What it does.

Revision ID: {name}
Revises: {after}
"""

revision: str = "{name}"
down_revision: str | None = {after!r}
'''
PYPROJECT = """\
[project]
# A product's own.
name = "{name}"
version = "{version}"
# From here on, merged.
dependencies = []

[tool.template]
remote = ""

[tool.template.dropped]
{dropped}"""
DROPPED = 'init = ["infra/init"]\nposts = ["features/news"]\n'
NOTHING = "import sys\nif 'lock' not in sys.argv[1:]:\n    print('ran', *sys.argv)\n"
FIRST = {
    "pyproject.toml": PYPROJECT.format(name="plate", version="0.1.0", dropped=""),
    "README.md": "# Plate\n",
    "CHANGELOG.md": "# Changelog\n",
    ".env.example": "A=1\n",
    ".gitignore": "__pycache__/\n",
    "infra/__init__.py": "",
    "infra/env_example.py": NOTHING,
    "infra/contract.py": NOTHING,
    "infra/checks.py": NOTHING,
    "infra/init/__main__.py": "makes products\n",
    "platform/kernel/app.py": "one\ntwo\nthree\nfour\nfive\n",
    "features/news/router.py": "news\n",
    "features/plans/router.py": "plans\n",
    "features/users/router.py": "users\n",
    "migrations/versions/2026_01_01_first.py": REVISION.format(name="first", after=None),
}
SECOND = {
    "README.md": "# Plate, later\n",
    "CHANGELOG.md": "# Changelog\n\n## 0.2.0\n",
    ".env.example": "A=1\nB=2\n",
    "infra/init/__main__.py": "makes better products\n",
    "infra/init/more.py": "more\n",
    "platform/kernel/app.py": "one, later\ntwo\nthree\nfour\nfive\n",
    "features/news/router.py": "news, later\n",
    "features/news/crud.py": "more news\n",
    "features/plans/router.py": "plans, later\n",
    "features/keys/router.py": "keys\n",
    "migrations/versions/2026_02_02_second.py": REVISION.format(name="second", after="first"),
    "migrations/versions/2026_02_03_third.py": REVISION.format(name="third", after="second"),
}


def write(root: Path, files: Mapping[str, str | None], message: str) -> None:
    """Write these files (None: delete it) and commit all."""
    for name, text in files.items():
        path = root / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    commit_all(root, message)


def make_template(folder: Path) -> Path:
    """A template with the versions v0.1.0 and v0.2.0."""
    folder.mkdir()
    write(folder, FIRST, "First")
    git(folder, "tag", "v0.1.0")
    write(folder, SECOND, "Second")
    git(folder, "tag", "v0.2.0")
    return folder


def make_product(template: Path, folder: Path, history: bool = True) -> Path:
    """A product of v0.1.0 as `hatch run init` leaves it, without news; a revision is its own."""
    git(template, "clone", "-q", str(template), str(folder))
    git(folder, "switch", "-q", "-C", "main", "v0.1.0")
    git(folder, "tag", "-d", "v0.1.0", "v0.2.0")
    if not history:
        for path in sorted((folder / ".git").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (folder / ".git").rmdir()
        commit_all(folder, "A copy")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        git(folder, "config", name, value)
    product = {
        "pyproject.toml": PYPROJECT.format(name="mine", version="3.1.0", dropped=DROPPED),
        "README.md": "# Mine\n",
        "CHANGELOG.md": "# Changelog of mine\n",
        "infra/init/__main__.py": "has been run\n",
        "features/news/router.py": None,
        ".env.example": "A=1\nMINE=1\n",
        "features/notes/router.py": "notes\n",
        "platform/kernel/app.py": "one\ntwo\nthree\nfour\nfive, mine\n",
        "migrations/versions/2026_01_20_mine.py": REVISION.format(name="mine", after="first"),
    }
    write(folder, product, "Begin")
    return folder
