"""`hatch run revision "what changed"`: write the revisions from migrations to models.

On a database of the moment, so that neither the data of development nor a revision that waits
there has a part in it.
"""

import argparse
import sys
from collections.abc import Sequence

from alembic import command
from alembic.script import Script
from alembic.util import CommandError

from infra.local.errors import LocalError
from infra.revisions.throwaway import migrated


def main(words: Sequence[str] | None = None) -> int:
    """Write and name the files; the exit code is 1 when none can be written."""
    parser = argparse.ArgumentParser(prog="hatch run revision", description=__doc__)
    parser.add_argument("message", nargs="+", help="what changes; the file is named by it")
    parser.add_argument("--empty", action="store_true", help="write a revision to fill by hand")
    arguments = parser.parse_args(words)
    try:
        with migrated() as config:
            written = command.revision(
                config, " ".join(arguments.message), autogenerate=not arguments.empty
            )
    except (CommandError, LocalError) as error:
        print(error)
        return 1
    scripts = written if isinstance(written, list) else [written]
    files = [script.path for script in scripts if isinstance(script, Script)]
    if not files:
        print("Nothing changed: the migrations make what the models say.")
        return 0
    print("Written:", *files, "Read it, then: hatch run migrate", sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
