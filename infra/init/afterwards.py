"""`hatch run init` in a product: it has been run, and says what to do instead."""

import sys

SAID = """\
This project has been made out of its template already; `git log -- pyproject.toml` says when.
Its name stands in pyproject.toml, what users read is APP_NAME, and a feature goes with its folder
and a revision (`hatch run revision`). Nothing was changed."""


def main() -> int:
    """Say so; the exit code is 1."""
    print(SAID)
    return 1


if __name__ == "__main__":
    sys.exit(main())
