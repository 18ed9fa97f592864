"""What a revision may not do to tables in use, unless it says why: squawk names the statement."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.checks.migrations.lint import problems
from infra.checks.migrations.statements import Statement

ADDED = "ALTER TABLE note ADD CONSTRAINT short CHECK (length(text) < 9)"
BREACHES = {
    "changing-column-type": "ALTER TABLE note ALTER COLUMN size TYPE bigint",
    "require-concurrent-index-creation": "CREATE INDEX ix_note_size ON note (size)",
    "require-concurrent-index-deletion": "DROP INDEX ix_note_size",
    "constraint-missing-not-valid": ADDED,
    "adding-required-field": "ALTER TABLE note ADD COLUMN size int NOT NULL",
    "ban-drop-column": "ALTER TABLE note DROP COLUMN size",
    "ban-drop-table": "DROP TABLE note",
    "renaming-column": "ALTER TABLE note RENAME COLUMN size TO length",
    "becomes-required": "ALTER TABLE note ALTER COLUMN size SET NOT NULL",
}


def told(sql: str, *, in_transaction: bool = True, **module: Any) -> str:
    """What the check says of a revision that runs this statement."""
    script: Any = SimpleNamespace(revision="1", path="1.py", module=SimpleNamespace(**module))
    return "\n".join(problems([script], {"1": [Statement(sql, in_transaction)]}))


@pytest.mark.parametrize(("rule", "sql"), BREACHES.items())
def test_what_blocks_or_breaks_those_who_serve_is_named(rule: str, sql: str) -> None:
    said = told(sql)

    assert rule in said
    assert sql.split()[-1] in said
    assert f'accepted = {{"{rule}": "why no request fails"}}' in said


@pytest.mark.parametrize(("rule", "sql"), BREACHES.items())
def test_what_is_meant_is_accepted_by_a_reason(rule: str, sql: str) -> None:
    assert f"{rule}:" not in told(sql, accepted={rule: "the table is small"})
    assert rule in told(sql, accepted={rule: ""})


@pytest.mark.parametrize(
    ("sql", "in_transaction"),
    [
        ("ALTER TABLE note ADD COLUMN size int", True),
        ("CREATE INDEX CONCURRENTLY ix_note_size ON note (size)", False),
        (f"{ADDED} NOT VALID", True),
        ("ALTER TABLE note VALIDATE CONSTRAINT short", True),
    ],
)
def test_what_blocks_nothing_passes(sql: str, in_transaction: bool) -> None:
    assert told(sql, in_transaction=in_transaction) == ""
