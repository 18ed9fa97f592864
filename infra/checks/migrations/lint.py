"""Whether a revision can run while the application serves: squawk reads its SQL."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from alembic.script import Script

from infra.checks.migrations.statements import Statement

# Written when the tables were new, and applied since: an applied revision isn't edited.
APPLIED = frozenset({"accounts", "tiers", "posts", "jobs", "tiers_in_use"})
EXCLUDED = {
    "prefer-bigint-over-int": "a model's int is INTEGER; one that grows on says BigInteger",
    "prefer-identity": "SERIAL is what SQLAlchemy makes of a model's integer key",
    "prefer-text-field": "the length is the model's max_length",
    "prefer-robust-stmts": "a revision is a transaction; outside of one, what is left goes first",
    "require-lock-timeout": "migrations/env.py sets it for the session",
    "require-statement-timeout": "a backfill takes the time that its rows need",
    "require-enum-value-ordering": "a member that is last in the model is last in the type",
    "renaming-object": "no client names an index",
    "ban-drop-constraint": "a constraint is changed by dropping it",
}
REQUIRED = "Does the version before still write NULL? Then let a release that doesn't come first."
ACCEPT = """\
Where that is meant, say why in the revision: accepted = {{"{rule}": "why no request fails"}}"""


def problems(scripts: Iterable[Script], statements: Mapping[str, list[Statement]]) -> Iterator[str]:
    """What squawk says of the SQL of revisions that aren't applied yet."""
    for script in scripts:
        if script.revision not in APPLIED:
            accepted: dict[str, str] = getattr(script.module, "accepted", {})
            for rule, said in _squawk(statements.get(script.revision, [])):
                if not accepted.get(rule):
                    yield f"{script.path}: {said}\n{ACCEPT.format(rule=rule)}"


def _squawk(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    for sql, _ in statements:
        if "SET NOT NULL" in sql:
            yield "becomes-required", f"{sql}\n  becomes-required: {REQUIRED}"
    for in_transaction in (True, False):
        which = [each.sql for each in statements if each.in_transaction is in_transaction]
        options = ["--assume-in-transaction"] if in_transaction else []
        if which:
            yield from _run("\n;\n".join(which), options)


def _run(sql: str, options: list[str]) -> Iterator[tuple[str, str]]:
    program = str(Path(sys.executable).parent / "squawk")
    excluded = [f"--exclude={rule}" for rule in EXCLUDED]
    run = subprocess.run(
        [program, "--reporter=json", "--pg-version=16.0", *excluded, *options],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = sql.splitlines()
    for each in json.loads(run.stdout):
        shown = lines[each["line"]].strip()[:150]
        advice = each.get("help") or ""
        yield each["rule_name"], f"{shown}\n  {each['rule_name']}: {each['message']} {advice}"
