"""`hatch run remove NAME ...`: take features away, with a revision that drops their tables."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Table

from infra.checks import ROOT
from infra.local.dev import obey_signals
from infra.local.dev_env import data_directory, external_database, given
from infra.local.errors import LocalError
from infra.local.processes import Interrupted
from infra.local.servers import run_step
from infra.scaffold import steps
from infra.scaffold.change import Change
from infra.scaffold.dependants import importers, referrers, tables_of
from infra.scaffold.errors import ScaffoldError
from kernel import discovery

IN_THE_WAY = """\
{features} can't go: others need it.
{reasons}
Change these first."""
# What squawk warns of, by the statement; no version that knows the feature serves any more.
ACCEPTED = {
    "ban-drop-table": "op.drop_table(",
    "require-concurrent-index-deletion": "op.drop_index(",
    "ban-drop-function": "DROP FUNCTION",
    "ban-drop-type": ".drop(op.get_bind())",
}


def main(words: Sequence[str] | None = None) -> int:
    """Take it away; the exit code is 1 when it can't go, or isn't to."""
    parser = argparse.ArgumentParser(prog="hatch run remove", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a feature, like invoices")
    parser.add_argument("--yes", action="store_true", help="without asking")
    arguments = parser.parse_args(words)
    features = list(dict.fromkeys(arguments.names))
    try:
        tables = [table.name for table in _free_tables(features)]
        obey_signals()
        print(*[f"features/{feature}/ goes" for feature in features], *_rows(tables), sep="\n  ")
        if not arguments.yes and not _agreed():
            print("Nothing was changed.")
            return 1
        _remove(features)
    except (ScaffoldError, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted:
        print("Interrupted: everything is as it was.", file=sys.stderr)
        return 130
    return 0


def _free_tables(features: Sequence[str]) -> Sequence[Table]:
    """The features' tables. Raises ScaffoldError when something that stays needs one of them."""
    if unknown := [feature for feature in features if feature not in discovery.names()]:
        known = ", ".join(discovery.names())
        raise ScaffoldError(f"There is no feature {', '.join(unknown)}. There are {known}.")
    tables = [table for feature in features for table in tables_of(feature)]
    reasons = [*importers(ROOT, features), *referrers(tables)]
    if reasons:
        told = "\n".join(f"  {reason}" for reason in reasons)
        raise ScaffoldError(IN_THE_WAY.format(features=" and ".join(features), reasons=told))
    return tables


def _rows(tables: list[str]) -> list[str]:
    """What there is to lose, as the database of development has it."""
    if not tables:
        return ["No table goes."]
    values = given()
    known = external_database(values) or (data_directory(values) / "postgres").exists()
    counts: dict[str, int] = {}
    if known:
        with suppress(LocalError, ValueError):
            command = ["-m", "infra.local.run", sys.executable, "-m", "infra.scaffold.rows"]
            said = run_step(
                "rows", [sys.executable, *command, *tables], os.environ, ROOT
            ).splitlines()
            counts = json.loads(said[-1])
    if not counts:
        return [f"table {table}, with all its rows" for table in tables]
    return [
        f"table {table}: {counts[table]:,} rows in the database of development"
        if table in counts
        else f"table {table}, which the database of development hasn't"
        for table in tables
    ]


def _agreed() -> bool:
    try:
        return input("Remove it? The rows are lost with the next migration. [y/N] ").lower() in (
            "y",
            "yes",
        )
    except EOFError:
        return False


def _remove(features: Sequence[str]) -> None:
    """Move the folders away, write the revision without them, and let them go."""
    folders = [ROOT / "features" / feature for feature in features]
    had_settings = any((folder / "settings.py").exists() for folder in folders)
    with TemporaryDirectory(prefix=".remove-", dir=ROOT) as away, Change() as change:
        change.watch(steps.VERSIONS)
        change.edit(ROOT / ".env.example")
        for folder in folders:
            change.move(folder, Path(away) / folder.name)
        revisions = steps.revise(steps.free_message(f"remove {_named(features)}"))
        for revision in revisions:
            _accept(revision, features)
        if had_settings:
            steps.write_env_example()
    print(*[f"features/{feature}/ is gone." for feature in features], sep="\n")
    if revisions:
        print("Read the revision that drops the tables, then: hatch run migrate")
        print(*[f"  {path.relative_to(ROOT)}" for path in revisions], sep="\n")


def _named(features: Sequence[str]) -> str:
    """In so few words that they fit the name of a file."""
    first, *others = features
    last = others[0] if len(others) == 1 else f"{len(others)} others"
    return f"{first} and {last}" if others else first


def _accept(revision: Path, features: Sequence[str]) -> None:
    """Say that dropping is meant, where the revision does; `hatch run check` asks for it."""
    text = revision.read_text()
    way_up = text.partition("def downgrade")[0]
    rules = [rule for rule, statement in ACCEPTED.items() if statement in way_up]
    if rules:
        said = f"the removal of {_named(features)}"
        lines = "".join(f'    "{rule}": "{said}",\n' for rule in rules)
        accepted = f"accepted = {{\n{lines}}}\n"
        revision.write_text(text.replace("\n\n\ndef up", f"\n\n{accepted}\n\ndef up", 1))


if __name__ == "__main__":
    sys.exit(main())
