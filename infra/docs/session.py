"""Runs the Python blocks of a page, in order, in one namespace: `python -m infra.docs.session`.

Reads a JSON object with `code` and `place` a line from standard input, and answers with `error`
and `output`. `await` works outside of functions; `resources` and `db` (an open unit of work) are
there.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import json
import linecache
import os
import sys
import traceback
from functools import partial
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from kernel import discovery
from kernel.resources import opened
from kernel.settings import load_settings


async def run(code: str, place: str, namespace: dict[str, Any]) -> None:
    """Execute a block; an expression at its end is printed, as a shell does."""
    tree = ast.parse(code, place)
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        shown = ast.Call(ast.Name("_show", ast.Load()), [last.value], [])
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(ast.Expr(shown), last))
    linecache.cache[place] = (len(code), None, code.splitlines(True), place)
    compiled = compile(tree, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(compiled, namespace)  # noqa: S307 - it is ours
    if inspect.iscoroutine(waiting):
        await waiting


def _show(value: Any) -> None:
    if value is not None:
        print(repr(value))


async def make_tables(*models: type[SQLModel]) -> None:
    """Make the tables of a page's models, as its migration would."""
    owner = make_url(os.environ["DATABASE_OWNER_URL"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(owner)
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in models]
    async with engine.begin() as connection:
        await connection.run_sync(partial(SQLModel.metadata.create_all, tables=tables))
    await engine.dispose()


async def answer(namespace: dict[str, Any]) -> None:
    """Run what comes in until the input ends."""
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        output, error = io.StringIO(), ""
        with contextlib.redirect_stdout(output):
            try:
                await run(asked["code"], asked["place"], namespace)
            except Exception:  # noqa: BLE001 - whatever a block raises is the page's fault
                error = traceback.format_exc()
        answered = json.dumps({"error": error, "output": output.getvalue()})
        print(f"=== over {answered}", flush=True)


async def main() -> None:
    """Open what the settings name, and answer."""
    namespace: dict[str, Any] = {"__name__": "page", "_show": _show}
    discovery.load("models")
    async with opened(load_settings(), "docs") as resources, resources.unit() as db:
        await answer(namespace | {"resources": resources, "db": db})


if __name__ == "__main__":
    asyncio.run(main())
