"""`hatch run shell`: IPython in the application, with an open unit of work."""

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import IPython
import sqlmodel
from IPython.core.async_helpers import get_asyncio_loop
from sqlalchemy import func, text
from traitlets.config import Config

from kernel import discovery, logs
from kernel.config.groups import KERNEL_GROUPS, AppSettings
from kernel.config.loader import SettingsError
from kernel.db.errors import DatabaseUnavailable
from kernel.db.long_unit import LongUnitOfWork
from kernel.resources import Resources, opened
from kernel.settings import feature_settings, load_settings
from kernel.web.health import require_database

BANNER = """
db         a unit of work; nothing is kept until `await db.commit()`, `await db.rollback()` undoes
resources  what a process holds open: units, Redis, the cache's stores
settings   settings.group(AppSettings).app_name; every group is here by its name
tables     {tables}
besides    select, func, text
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run IPython with these arguments (`-c CODE`, a file, ...); 1 when it can't or when they fail.

    What was not committed is undone at the end.
    """
    # The one that cells run in: connections belong to it.
    loop: asyncio.AbstractEventLoop = get_asyncio_loop()  # type: ignore[no-untyped-call]
    given = sys.argv[1:] if words is None else list(words)
    try:
        # The check of the tables loads Alembic, which tells of each of its plugins.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        settings = load_settings()
        logs.configure(settings.group(AppSettings))
        opening = opened(settings, "shell")
        resources = loop.run_until_complete(opening.__aenter__())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    db = LongUnitOfWork(resources)
    try:
        loop.run_until_complete(require_database(resources))
        IPython.start_ipython(argv=given, user_ns=dict(namespace(resources, db)), config=_config())
        return 0
    except DatabaseUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        loop.run_until_complete(_undo(db))
        loop.run_until_complete(opening.__aexit__(None, None, None))


async def _undo(db: LongUnitOfWork) -> None:
    changed = db.has_pending_changes
    if db.in_transaction_block and not changed:
        with suppress(Exception):  # a transaction that failed has nothing to lose
            changed = bool(await db.scalar(text("SELECT pg_current_xact_id_if_assigned()::text")))
    await db.rollback()
    if changed:
        print("Undone: what was not committed.", file=sys.stderr)


def namespace(resources: Resources, db: LongUnitOfWork) -> Mapping[str, Any]:
    """What there is, by name."""
    return {
        **{group.__name__: group for group in (*KERNEL_GROUPS, *feature_settings())},
        **tables(),
        "db": db,
        "resources": resources,
        "settings": resources.settings,
        "select": sqlmodel.select,
        "func": func,
        "text": text,
    }


def tables() -> Mapping[str, type[sqlmodel.SQLModel]]:
    """Every feature's tables, by the names of their classes."""
    return {
        name: value
        for module in discovery.load("models").values()
        for name, value in sorted(vars(module).items())
        if isinstance(value, type) and hasattr(value, "__table__")
    }


def _config() -> Config:
    config = Config()
    # The prompt in the loop of the cells, so that connections are looked after meanwhile.
    if sys.stdin.isatty():
        config.InteractiveShellApp.gui = "asyncio"
    config.TerminalInteractiveShell.banner2 = BANNER.format(tables=", ".join(tables()))
    config.TerminalInteractiveShell.confirm_exit = False
    return config


if __name__ == "__main__":
    sys.exit(main())
