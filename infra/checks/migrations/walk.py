"""The walk: up, down and up again, on empty tables and on tables with rows."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from infra.checks.migrations import lint, rows
from infra.checks.migrations.statements import Statement, recorded
from infra.revisions import catalog
from infra.revisions.autogenerate import differences
from infra.revisions.catalog import Catalog
from infra.revisions.throwaway import migrations_of
from kernel import discovery
from kernel.db.tables import metadata

Result = TypeVar("Result")
WRITE = (
    'Write what is missing: hatch run revision "what changed". '
    "See docs/gates.md#a-model-that-no-migration-knows"
)


def problems(root: Path) -> list[str]:
    """Migrate a database of the moment there and back; say what fails, differs or blocks.

    Raises LocalError where no PostgreSQL can be started.
    """
    discovery.load("models")
    with migrations_of(root) as config:
        scripts = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
        try:
            walk = _Walk(config, scripts)
            return [*walk.empty(), *walk.filled(), *lint.problems(scripts, walk.statements)]
        except _Failed as failure:
            return [str(failure)]


def _told(made: Catalog, wanted: Catalog) -> Iterator[str]:
    for key in differences(made, wanted, metadata):
        table = key._replace(kind="table", name="")
        if key.kind in ("enum", "function") or (table in made and table in wanted):
            yield f"{key}: the migrations make {made.get(key)!r}, the models {wanted.get(key)!r}"
        elif key == table:
            has, lacks = ("models", "migrations") if key in wanted else ("migrations", "models")
            yield f"{key}: the {has} have it, the {lacks} don't."


class _Failed(Exception):
    """A revision that doesn't go up or down."""


class _Walk:
    """The database and what was seen on the way."""

    def __init__(self, config: Config, scripts: list[Script]) -> None:
        self.config, self.scripts = config, scripts
        self.statements: dict[str, list[Statement]] = {}

    def empty(self) -> list[str]:
        """Up, down and up on empty tables: the models' tables, nothing, and the same again."""
        self._go("upgrade", "heads", "on empty tables")
        first = self.ask(catalog.read)
        self._go("downgrade", "base", "on empty tables")
        left = self.ask(catalog.read)
        if left:
            raise _Failed(f"The way down leaves behind: {', '.join(map(str, left))}.")
        self._go("upgrade", "heads", "on empty tables, after the way down")
        again = self.ask(catalog.read)
        wanted = self.ask(lambda connection: catalog.of_models(connection, metadata))
        found = list(_told(again, wanted))
        if first != again:
            changed = sorted(key for key in first | again if first.get(key) != again.get(key))
            found.append(f"The second way up makes other things: {', '.join(map(str, changed))}.")
        return [*found, WRITE] if found else []

    def filled(self) -> list[str]:
        """Up with rows made at each revision, down, and up again."""
        self._go("downgrade", "base", "on empty tables")
        for script in self.scripts:
            with recorded() as statements:
                self._go("upgrade", script.revision, "on tables with rows")
            self.statements[script.revision] = statements
            unfilled = self.ask(rows.fill)
            if unfilled:
                return unfilled
        self._go("downgrade", "base", "on tables with rows")
        self._go("upgrade", "heads", "on tables with rows, after the way down")
        return []

    def ask(self, question: Callable[[Connection], Result]) -> Result:
        """What the function finds in the database; what it writes is kept."""
        return asyncio.run(self._ask(question))

    async def _ask(self, question: Callable[[Connection], Result]) -> Result:
        engine = create_async_engine(self.config.attributes["url"])
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(question)
        finally:
            await engine.dispose()

    def _go(self, direction: str, target: str, where: str) -> None:
        move = {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction]
        try:
            move(self.config, target)
        except (CommandError, DBAPIError, NotImplementedError, ValueError) as error:
            reason = getattr(error, "orig", None) or error
            statement = getattr(error, "statement", None)
            raise _Failed(
                f"{direction} to {target}, {where}, fails after revision {self._last()}: "
                f"{str(reason) or type(reason).__name__}"
                + (f"\n  {statement}" if statement else "")
            ) from error

    def _last(self) -> str:
        """The revision that the database is at; the one beside it failed."""
        try:
            return self.ask(
                lambda connection: ", ".join(
                    connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
                )
            )
        except DBAPIError:
            return ""
