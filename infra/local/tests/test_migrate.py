"""`hatch run migrate` says in one line what it did."""

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from infra.local.migrate import _said
from kernel.config.loader import ROOT

SCRIPTS = ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml"))
REVISIONS = [one.revision for one in SCRIPTS.walk_revisions()]
if len(REVISIONS) == 1:
    pytest.skip("a product begins with one revision", allow_module_level=True)
LAST, BEFORE = REVISIONS[:2]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((LAST,), (LAST,), f"Nothing waits: the database is at {LAST}."),
        ((), (), "Nothing waits: the database is at no revision."),
        ((BEFORE,), (LAST,), "Applied: {file}"),
        ((LAST,), (BEFORE,), "Undone: {file}"),
        ((), (LAST,), "Applied: {number} revisions, up to {file}"),
        ((LAST,), (), "Undone: {number} revisions, down to {first}"),
    ],
)
def test_what_was_applied_or_undone_is_named(
    before: tuple[str, ...], after: tuple[str, ...], said: str
) -> None:
    *files, first = [one.path.rpartition("/")[2] for one in SCRIPTS.walk_revisions()]
    expected = said.format(file=files[0], number=len(files) + 1, first=first)

    assert _said(before, after) == expected
