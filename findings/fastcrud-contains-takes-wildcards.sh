#!/usr/bin/env bash
# fastcrud 0.23.0: the text of __contains and __startswith is a pattern: % and _ in it match anything.
#
# A good guess: `name__startswith="50%"` finds texts that begin with "50%", as Django's lookups do, which
# escape what LIKE takes for wildcards.
# Seen: it finds "500 sheets", too, since the text goes into LIKE as it is; and "_" finds every text. A
# search that users type into is to be escaped before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastcrud==0.23.0 sqlmodel==0.0.50 sqlalchemy==2.1.9 aiosqlite==0.22.1 greenlet
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
from importlib.metadata import version

from fastcrud import FastCRUD
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel


class Offer(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


async def main() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add_all([Offer(name="50% off"), Offer(name="500 sheets"), Offer(name="plain")])
        await session.commit()
        crud = FastCRUD(Offer)
        begins = await crud.get_multi(session, name__startswith="50%")
        holds = await crud.get_multi(session, name__contains="_")
    names = [row["name"] for row in begins["data"]]
    print("fastcrud", version("fastcrud"))
    print('name__startswith="50%":', names)
    print('name__contains="_":', len(holds["data"]), "of 3 rows, none of which holds a _")
    assert names == ["50% off", "500 sheets"], "changed: it escapes"
    assert len(holds["data"]) == 3, "changed: it escapes"


asyncio.run(main())
PYTHON
