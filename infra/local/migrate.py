"""`hatch run migrate [TARGET]`: bring the database to a revision, forwards or back."""

import asyncio
import io
import os
import re
import sys
from collections.abc import Sequence

from alembic import command
from alembic.config import CommandLine, Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from kernel.config.database import DatabaseSettings
from kernel.config.loader import ROOT, SettingsError
from kernel.settings import load_settings

FEW = 3  # revisions that are named
BACK = re.compile(r"-\d+|base")


def main(words: Sequence[str] | None = None) -> int:
    """Migrate; with `--if-empty`, for dev: only list what waits for a database in use."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        if given == ["--if-empty"]:
            return _if_empty()
    except CommandError as error:
        print(error)
        return 1
    target = given or ["head"]
    direction = "downgrade" if BACK.fullmatch(target[0]) else "upgrade"
    # After `--`, since `-1` looks like an option.
    separator = ["--"] if direction == "downgrade" else []
    before = _known()
    CommandLine("hatch run migrate").main([direction, *separator, *target])
    after = _known()
    if before is not None and after is not None and "--sql" not in target:
        print(_said(before, after))
    return 0


def _known() -> tuple[str, ...] | None:
    """The database's revisions; None where that can't be told, of which the migration says why."""
    try:
        return asyncio.run(_applied(load_settings().group(DatabaseSettings).owner_url))
    except (CommandError, SettingsError):
        return None


def _said(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """One line: which files were applied or undone."""
    if before == after:
        return f"Nothing waits: the database is at {', '.join(after) or 'no revision'}."
    scripts = ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml"))
    lines = {one.revision for one in scripts.iterate_revisions(after or "base", "base")}
    forwards = set(before) <= lines
    upper, lower = (after, before) if forwards else (before, after)
    found = [*scripts.iterate_revisions(upper, lower or "base")][::-1]
    names = [os.path.basename(script.path) for script in found]
    end = f"up to {names[-1]}" if forwards else f"down to {names[0]}"
    few = ", ".join(names) if len(names) <= FEW else f"{len(names)} revisions, {end}"
    return f"{'Applied' if forwards else 'Undone'}: {few}"


def _if_empty() -> int:
    """Migrate an empty database; of one in use, print the files that wait, the oldest first."""
    config = Config(toml_file=ROOT / "pyproject.toml", stdout=io.StringIO())
    applied = asyncio.run(_applied(load_settings().group(DatabaseSettings).owner_url))
    if not applied:
        command.upgrade(config, "head")
        return 0
    command.current(config)  # it says so when a revision's file is gone
    scripts = ScriptDirectory.from_config(config)
    for script in [*scripts.iterate_revisions("heads", applied)][::-1]:
        print(os.path.relpath(script.path, ROOT))
    return 0


async def _applied(url: URL) -> tuple[str, ...]:
    engine = create_async_engine(url, connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return ()
            found = await connection.scalars(text("SELECT version_num FROM alembic_version"))
            return tuple(found)
    except (OSError, DBAPIError) as error:
        raise CommandError(f"The database can't be reached: {error}") from error
    finally:
        await engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
