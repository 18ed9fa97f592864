"""`hatch run new NAME FIELD...`: write a feature, its revision and its records, and test it."""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.checks import ROOT
from infra.local.dev import obey_signals
from infra.local.errors import LocalError
from infra.local.processes import Interrupted
from infra.scaffold import questions, steps
from infra.scaffold.change import Change
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.feature import Feature, Options
from infra.scaffold.fields import parse
from infra.scaffold.plan import planned
from infra.scaffold.render import render

FLAGS = {
    "tasks": "a job for each new row, queued with the transaction",
    "schedule": "a job for each night",
    "settings": "a setting: how many rows there may be",
    "seed": "a first row",
    "rate-limit": "count each caller's calls of each route that writes",
}
FAILED = """\
{error}

The feature is there all the same, for you to look at. Take it away again:
hatch run remove {name}"""


def main(words: Sequence[str] | None = None) -> int:
    """Write it; the exit code is 1 when it can't be, and 130 when it was interrupted."""
    given = sys.argv[1:] if words is None else list(words)
    asking = not given
    if asking:
        answers = questions.ask() if sys.stdin.isatty() else None
        if answers is None:
            _parser().print_usage()
            return 2
        given = answers
    arguments = _parser().parse_args(given)
    try:
        feature = feature_of(arguments)
        with TemporaryDirectory(prefix=".new-", dir=ROOT) as staging:
            folder = Path(staging) / feature.plural
            render(feature, folder)
            print("\n".join(tree(feature, folder)))
            if asking and not questions.agreed():
                print("Nothing was written.")
                return 1
            if arguments.dry_run:
                return 0
            obey_signals()
            problems = _write(feature, folder)
        return _finish(feature, problems, arguments.migrate)
    except (ScaffoldError, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt):
        print("Interrupted: nothing of it is left.", file=sys.stderr)
        return 130


def feature_of(arguments: argparse.Namespace) -> Feature:
    """What the command line asks for. Raises ScaffoldError."""
    given = vars(arguments)
    options = Options(**{field.name: given[field.name] for field in dataclasses.fields(Options)})
    return planned(arguments.name, parse(arguments.fields), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hatch run new",
        description="Write a feature: its files, its revision, its records; then test it.",
        epilog="The types and modifiers of fields, with examples: docs/new-feature.md",
    )
    parser.add_argument("name", help="a noun in the plural, like invoices")
    parser.add_argument("fields", nargs="*", metavar="FIELD", help="like number:str:unique")
    parser.add_argument("--public", action="store_true", help="everyone reads it")
    parser.add_argument("--superuser", action="store_true", help="superusers only")
    parser.add_argument("--singular", default="", help="of a name whose plural isn't regular")
    parser.add_argument("--key", choices=["int", "uuid7"], default="int", help="of its rows")
    parser.add_argument(
        "--transitions", default="", metavar="A:B,B:C", help="the steps of an enum's values"
    )
    parser.add_argument(
        "--requires",
        default="",
        metavar="PERMISSION",
        help="what one needs to write, or with --transitions to take a step: invoices.approve",
    )
    for name, what in FLAGS.items():
        parser.add_argument(f"--{name}", action="store_true", help=what)
    parser.add_argument("--migrate", action="store_true", help="apply the revision at once")
    parser.add_argument("--dry-run", action="store_true", help="show the files, write nothing")
    return parser


def tree(feature: Feature, folder: Path) -> list[str]:
    """The files as they will stand, with their lines of text."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lengths = {path.relative_to(folder): len(path.read_text().splitlines()) for path in files}
    shown = [f"  {path!s:<40} {length:>4}" for path, length in lengths.items()]
    code = sum(length for path, length in lengths.items() if path.parts[0] != "tests")
    return [f"features/{feature.plural}/", *shown, f"{code} lines without tests"]


def _write(feature: Feature, folder: Path) -> list[str]:
    """Put the files in their place, with the revision and the records, and test them.

    The result says what is wrong with what was written. Interrupted, it leaves nothing.
    """
    name = feature.plural
    with Change() as change:
        change.watch(ROOT / "features")
        change.watch(steps.VERSIONS)
        change.edit(ROOT / ".env.example")
        change.move(folder, ROOT / "features" / name)
        # Two at a time: most of each is work of one process.
        with ExitStack() as beside:
            checked = beside.enter_context(steps.checking(name))
            revisions = steps.revise(steps.free_message(f"add {name}"))
            if feature.options.settings:
                steps.write_env_example()
            fuzzed = beside.enter_context(steps.fuzzing(name))
            problems = list(_failures(lambda: steps.test(name), checked, fuzzed))
    print("Written:", f"  features/{name}/", sep="\n")
    print(*[f"  {path.relative_to(ROOT)}" for path in revisions], sep="\n")
    return problems


def _finish(feature: Feature, problems: list[str], migrate: bool) -> int:
    said = "Read the revision, then: hatch run migrate"
    try:
        if migrate and not problems:
            said = steps.migrate()
    except (LocalError, Interrupted) as error:
        problems = [str(error) or "Interrupted."]
    if problems:
        print(FAILED.format(error="\n".join(problems), name=feature.plural), file=sys.stderr)
        return 1
    print(said)
    print(f"What you change is tested by: hatch run test {feature.plural}")
    return 0


def _failures(*ends: Callable[[], str]) -> Iterator[str]:
    for end in ends:
        try:
            end()
        except LocalError as error:
            yield str(error)


if __name__ == "__main__":
    sys.exit(main())
