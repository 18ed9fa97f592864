"""`hatch run init "My product"`: ask what it shall be, show the plan, do all of it or nothing."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.checks import ROOT
from infra.init import asking, identity, product, stage
from infra.init.errors import InitError
from infra.init.identity import DESCRIPTION, Identity
from infra.init.part import Part
from infra.init.parts import PARTS
from infra.local.errors import LocalError

DONE = """
Read it with `git status` and `git diff`, then: git add -A && git commit -m "Begin {title}"
`git restore . && git clean -fd` takes it back. For the new name hatch makes a new environment at
the next command, so `hatch run dev` takes half a minute once."""


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hatch run init",
        description="Make this clone a product of its own.",
        epilog="Parts: " + "; ".join(f"{name}: {part.says}" for name, part in PARTS.items()),
    )
    parser.add_argument("title", nargs="*", help="what users read, such as: My product")
    parser.add_argument("--description", help="what it is, in one line")
    parser.add_argument("--holder", help="who holds the copyright: a line in LICENSE")
    parser.add_argument("--drop", action="append", metavar="PART", help="drop it; may be repeated")
    parser.add_argument("--keep-all", action="store_true", help="drop nothing")
    parser.add_argument("--dry-run", action="store_true", help="show the plan only")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    given = parser.parse_args(words)
    if unknown := sorted(set(given.drop or []) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}. There are {', '.join(PARTS)}")
    if given.drop and given.keep_all:
        parser.error("--keep-all and --drop exclude each other")
    return given


def asked(given: argparse.Namespace, root: Path) -> tuple[Identity, list[Part]]:
    """What it shall be and what goes: the options', else the answers."""
    may_ask = sys.stdin.isatty() and not given.yes
    if not may_ask and not given.title:
        raise InitError('What is your product called? hatch run init "My product"')
    if not may_ask and given.drop is None and not given.keep_all:
        raise InitError("Say what goes, --drop PART, or --keep-all.")
    title = " ".join(given.title) or asking.title()
    description = given.description or (asking.description() if may_ask else DESCRIPTION)
    holder = given.holder or (asking.holder(root) if may_ask else None)
    chosen = Identity(title.strip(), description.strip(), holder)
    if reason := identity.problem(chosen, (root / "pyproject.toml").read_text()):
        raise InitError(reason)
    if given.drop is None and not given.keep_all:
        given.drop = asking.parts()
    return chosen, product.with_all_that_goes_along(given.drop or [])


def plan(chosen: Identity, parts: list[Part], wanted: Sequence[str]) -> str:
    """What will be done, in lines."""
    lines = [
        f"{chosen.title} (package {chosen.package}, version 0.1.0): {chosen.description}",
        f"  LICENSE       a line for {chosen.holder}"
        if chosen.holder
        else "  LICENSE       as it is: the template's line, none of yours (--holder)",
        "  README.md     a short one that keeps the commands; CHANGELOG.md begins anew",
    ]
    for part in parts:
        because = [other for other in wanted if part.name in PARTS[other].takes]
        along = f" (goes along with {', '.join(because)})" if part.name not in wanted else ""
        lines.append(f"  without       {part.name}: {part.says}{along}")
    if any(part.tables for part in parts):
        lines.append(
            "  migrations    one first revision in place of the template's, since no database of "
            "yours has those"
        )
    return "\n".join(lines)


def main(words: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Do it; the exit code is 1 when nothing was changed."""
    given = arguments(words)
    try:
        if stage.recover(root):
            print("An earlier run was cut off while it changed files; they are back as they were.")
        stage.refuse_unsaved(root)
        chosen, parts = asked(given, root)
        print(plan(chosen, parts, given.drop or []))
        if given.dry_run:
            return 0
        if not given.yes:
            if not sys.stdin.isatty():
                raise InitError("Add --yes to do it.")
            if not asking.agreed():
                raise InitError("Nothing was changed.")
        with stage.staged(root) as copy:
            product.make(copy, chosen, parts)
            written, deleted = stage.exchange(root, copy)
    except (InitError, LocalError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was changed.")
        return 1
    print(f"{written} files written, {deleted} deleted.{DONE.format(title=chosen.title)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
