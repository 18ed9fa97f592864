"""URLs that were stored before they were bounded are kept, as browsers read them."""

import asyncio

import asyncpg
import pytest
from alembic import command

from infra.revisions.throwaway import migrations_of
from kernel.config.loader import ROOT

BEFORE = "sorted_lists"  # the revision
STORED = {
    'https://example.com/a b?"c"': "https://example.com/a%20b?%22c%22",
    "https:\\\\example.com\\a\t\x7f": "https://example.com/a",
    "https://example.com/'ä": "https://example.com/'ä",
    "https://example.com/" + "ä" * 2000: None,
}
USER = """
    INSERT INTO "user" (name, username, email, hashed_password)
    VALUES ('Ada', 'ada', 'ada@example.com', 'x') RETURNING id"""
BEFORE = "sorted_lists"  # the revision before they were bounded
POST = "INSERT INTO post (created_by_user_id, title, text, media_url) VALUES ($1, 'Hi', 'x', $2)"


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    user_id = await connection.fetchval(USER)
    await connection.executemany(POST, [(user_id, stored) for stored in STORED])
    await connection.close()


async def stored(url: str) -> list[str | None]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT media_url FROM post ORDER BY id")
    await connection.close()
    return [row["media_url"] for row in rows]


@pytest.mark.skipif(
    not any((ROOT / "migrations" / "versions").glob(f"*_{BEFORE}.py")),
    reason="the project began later, without such URLs",
)
def test_what_was_stored_before_is_encoded_and_what_is_too_long_goes() -> None:
    with migrations_of(ROOT) as config:
        url = (
            config.attributes["url"]
            .set(drivername="postgresql")
            .render_as_string(hide_password=False)
        )
        command.upgrade(config, BEFORE)
        asyncio.run(fill(url))
        command.upgrade(config, "heads")
        found = asyncio.run(stored(url))

    assert found == list(STORED.values())
