#!/usr/bin/env bash
# fastcrud 0.23.0: an update that changes no row, since another call was faster, is no NoResultFound.
#
# A good guess: `crud.update(db, {"status": "sent"}, id=1, status="draft")` raises NoResultFound unless it
# has changed a row, so that of two calls at once one is told, and a state changes once.
# Seen: it counts the rows first, by a statement of its own, and looks at nothing afterwards. What changes
# between the two is passed over: both calls go well. Read the row by `with_for_update()`, or ask an
# UPDATE ... RETURNING what it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastcrud==0.23.0 sqlmodel==0.0.50 sqlalchemy==2.1.9 aiosqlite==0.22.1 greenlet
cd "$folder"
venv/bin/python - <<'PYTHON'
import asyncio
import sqlite3
from importlib.metadata import version

from fastcrud import FastCRUD
from sqlalchemy import event
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel


class Parcel(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    status: str = "draft"


async def main() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///parcels")
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    faster = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def send_first(connection, cursor, sql, *rest) -> None:
        if sql.startswith("UPDATE") and not faster:
            with sqlite3.connect("parcels") as other:
                faster.append(other.execute("UPDATE parcel SET status = 'sent'").rowcount)

    async with AsyncSession(engine) as session:
        session.add(Parcel())
        await session.commit()
        crud = FastCRUD(Parcel)
        answer = await crud.update(session, {"status": "sent"}, id=1, status="draft")
        print("fastcrud", version("fastcrud"))
        print("the other call has changed", faster, "rows; the update that came too late gives", answer)
        try:
            await crud.update(session, {"status": "sent"}, id=1, status="draft")
        except NoResultFound:
            print("one that begins later raises NoResultFound")
        else:
            raise AssertionError("changed: it doesn't count beforehand")
    assert faster == [1]


asyncio.run(main())
PYTHON
