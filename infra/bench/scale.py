"""`hatch run bench --scale`: lists of 1,000, 100,000 and 1,000,000 rows, and 50 writers of one.

One request at a time, in the process, the cache off; medians in milliseconds.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import httpx2
import orjson

from infra.bench.environment import environment_of, servers
from infra.bench.table import machine
from infra.local.console import say, step
from kernel import discovery

SIZES = (1_000, 100_000, 1_000_000)
WRITERS, WRITES = 50, 40  # clients, and posts of each in a round
PAGES = {
    "page 1": "",
    "page 1 right after a write": "",
    "page 100": "page=100",
    "first cursor page": "cursor=",
    "page 1 by created_at": "sort=-created_at",
    "page 1 by title": "sort=title",
    "one day": "created_at_from=2026-01-02T00:00:00Z&created_at_to=2026-01-02T00:01:00Z",
}
AUTHORS = """
INSERT INTO "user" (name, username, email, hashed_password)
 VALUES ('Scale', 'scale{size}', 'scale{size}@example.com', '');
"""
# Beside each other, as lists grow: of 1,101 posts one is of the first author, 100 of the second.
ROWS = """
INSERT INTO post (title, text, created_by_user_id, created_at)
 SELECT 'Post ' || (n * 7919::bigint) % 1000003, repeat('Some words of a post. ', 10), author.id,
 '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second'
 FROM generate_series(0, {rows} - 1) AS n JOIN "user" author ON author.username =
 CASE WHEN n % 1101 < 1 THEN 'scale1000' WHEN n % 1101 < 101 THEN 'scale100000'
 ELSE 'scale1000000' END ORDER BY n;
"""
WRITE = """
INSERT INTO post (title, text, created_by_user_id)
 SELECT 'Written', 'meanwhile', id FROM "user" WHERE username = $1
"""


def main(rounds: int, json: Path | None, smoke: bool = False) -> None:
    """Measure, print the tables, leave JSON where it is asked for."""
    if "posts" not in discovery.names():
        say("There are no lists to measure: they were those of posts.")
        return
    sizes = SIZES[:1] if smoke else SIZES
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, servers(Path(folder)) as started:
        values = environment_of(Path(folder), *started)
        values |= {"REDIS_CACHE_URL": "off", "LOG_LEVEL": "WARNING"}
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(command, env=values, check=True, capture_output=True)
        os.environ.update(values)
        figures = asyncio.run(_measure(values["DATABASE_URL"], sizes, rounds))
    say(f"\n{machine()}\n\n{_table(figures, sizes)}")
    if json:
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


async def _measure(url: str, sizes: tuple[int, ...], rounds: int) -> dict[str, Any]:
    from kernel.app import create_application  # it reads the environment
    from kernel.settings import load_settings

    connection = await asyncpg.connect(url)
    for size in SIZES:
        await connection.execute(AUTHORS.format(size=size))
    rows = sum(SIZES) if len(sizes) > 1 else 1101
    with step(f"{rows:,} rows"):
        await connection.execute(ROWS.format(rows=rows))
    with step("ANALYZE"):
        await connection.execute("VACUUM ANALYZE")
    figures: dict[str, Any] = {"pages": {}}
    app = create_application(load_settings())
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        for name, query in PAGES.items():
            writes = connection if "write" in name else None
            found = [await _page(client, size, query, rounds * 10, writes) for size in sizes]
            figures["pages"][name] = dict(zip(map(str, sizes), found, strict=True))
            say(f"{name}: {', '.join(f'{one:.2f} ms' for one in found)}")
        figures["writers"] = await _writers(client, connection, rounds)
    await connection.close()
    return figures


async def _page(
    client: httpx2.AsyncClient,
    size: int,
    query: str,
    count: int,
    writes: "asyncpg.Connection[asyncpg.Record] | None",
) -> float:
    """Milliseconds of that page; with `writes`, each after another row of the list."""
    took = []
    for number in range(count + 3):
        if writes is not None:
            await writes.execute(WRITE, f"scale{size}")
        began = time.perf_counter()
        answer = await client.get(f"/api/v1/scale{size}/posts?{query}")
        if number >= 3:  # the first ones prepare the statement
            took.append((time.perf_counter() - began) * 1e3)
        answer.raise_for_status()
    return round(median(took), 2)


async def _writers(
    client: httpx2.AsyncClient, connection: "asyncpg.Connection[asyncpg.Record]", rounds: int
) -> dict[str, float]:
    """Posts a second of 50 clients that write one list, with its counter and without, in turn."""
    account = {"name": "Writer", "username": "writer", "email": "w@example.com"}
    secret = {"password": "a bench is for sitting"}
    (await client.post("/api/v1/user", json=account | secret)).raise_for_status()
    answer = await client.post("/api/v1/login", data={"username": "writer", **secret})
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    rates: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds + 1):
        for how, word in (("without", "DISABLE"), ("with", "ENABLE")):
            await connection.execute(f"ALTER TABLE post {word} TRIGGER count_insert")
            began = time.perf_counter()
            await asyncio.gather(*[_write(client) for _ in range(WRITERS)])
            rates[how].append(WRITERS * WRITES / (time.perf_counter() - began))
    # The first round made the connections.
    found = {how: round(median(one[1:])) for how, one in rates.items()}
    say(f"50 writers: {found['with']} posts a second, {found['without']} without the counter")
    return {**found, "ratio": round(found["with"] / found["without"], 2)}


async def _write(client: httpx2.AsyncClient) -> None:
    for _ in range(WRITES):
        post = {"title": "Written", "text": "meanwhile"}
        (await client.post("/api/v1/writer/post", json=post)).raise_for_status()


def _table(figures: dict[str, Any], sizes: tuple[int, ...]) -> str:
    lines = [f"| ms | {' | '.join(f'{size:,} rows' for size in sizes)} | last to first |"]
    lines.append("|---|" + "--:|" * (len(sizes) + 1))
    for name, found in figures["pages"].items():
        values = list(found.values())
        row = " | ".join(map(str, values))
        lines.append(f"| {name} | {row} | {values[-1] / values[0]:.1f} |")
    writers = figures["writers"]
    lines += ["", f"50 writers of one list: {writers['with']} posts a second with the counter, "]
    lines[-1] += f"{writers['without']} without: {writers['ratio']}."
    return "\n".join(lines)
